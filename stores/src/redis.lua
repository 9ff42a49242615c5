-- One call of a store, in one atomic step. ARGV: a value that the answer starts with, so that nobody takes it for
-- another call's; the command, then what stands with it; KEYS: the code, and for `insert` the one that it
-- replaces. All keys have one hash tag, so that they are on one node of a
-- cluster. Times are decimal seconds below 2^53, which a double holds exactly. The rules are those of
-- rules.rs; tests/otp/stores.rs holds all stores to them.

local code = KEYS[1]

local function subject_key(name)
  return '{otls}:subject:' .. name
end

local function read(key, ...)
  local values = redis.call('HMGET', key, ...)
  for i = 1, #values do values[i] = tonumber(values[i]) or 0 end
  return unpack(values)
end

local function receipt_key()
  return (code:gsub('^{otls}:code:', '{otls}:receipt:'))
end

-- The first receipt of a code stays, and does not expire with it.
local function keep(name, now, receipt)
  local key = receipt_key()
  if receipt and redis.call('EXISTS', key) == 0 then
    redis.call('HSET', key, 'subject', name, 'kept_at', now, 'receipt', receipt)
  end
end

-- Why no code is judged any more, or nil.
local function closed(key, subject, subject_attempts, now)
  local outcome, failures, attempts, expires_at = read(key, 'outcome', 'failures', 'attempts', 'expires_at')
  local subject_failures, locked = read(subject, 'failures', 'locked')
  if outcome == 1 then return 'used' end
  if outcome == 2 then return 'cancelled' end
  if failures >= attempts or locked == 1 or subject_failures >= subject_attempts then return 'locked' end
  if now >= expires_at then return 'expired' end
  return nil
end

local commands = {}

function commands.insert(name, pepper_id, mac, issued_at, expires_at, attempts, subject_attempts, issues_most,
                         window, keep)
  local old, subject, now = KEYS[2], subject_key(name), tonumber(issued_at)
  subject_attempts = tonumber(subject_attempts)
  if redis.call('EXISTS', code) == 1 then return {'there'} end
  local failures = 0
  if old then
    if redis.call('HGET', old, 'subject') ~= name then return {'unknown'} end
    local why = closed(old, subject, subject_attempts, now)
    if why then return {why} end
    failures = read(old, 'failures')
  end
  local subject_failures, locked, start, issues = read(subject, 'failures', 'locked', 'window_start', 'issues')
  if locked == 1 or subject_failures >= subject_attempts then return {'subject locked'} end
  local ends = start + tonumber(window)
  if start > now or now >= ends then
    redis.call('HSET', subject, 'window_start', issued_at, 'issues', 1)
  elseif issues >= tonumber(issues_most) then
    return {'throttled', string.format('%.0f', ends)}
  else
    redis.call('HINCRBY', subject, 'issues', 1)
  end
  if old then redis.call('HSET', old, 'outcome', 2) end
  redis.call('HSET', code, 'subject', name, 'pepper_id', pepper_id, 'mac', mac, 'issued_at', issued_at,
             'expires_at', expires_at, 'attempts', attempts, 'failures', failures, 'outcome', 0)
  redis.call('EXPIRE', code, keep)
  return {'kept'}
end

-- After these the pepper_id and the mac under each pepper, and the receipt if there is one.
function commands.verify(name, now, subject_attempts, count, ...)
  if redis.call('HGET', code, 'subject') ~= name then return {'unknown'} end
  local subject, tags = subject_key(name), {...}
  subject_attempts, count = tonumber(subject_attempts), 2 * tonumber(count)
  local why = closed(code, subject, subject_attempts, tonumber(now))
  if why then return {why} end
  local pepper_id, mac = unpack(redis.call('HMGET', code, 'pepper_id', 'mac'))
  for i = 1, count, 2 do
    -- Who presents a code cannot choose its mac, which takes the pepper: how long this takes tells nothing.
    if tags[i] == pepper_id and tags[i + 1] == mac then
      redis.call('HSET', code, 'outcome', 1)
      redis.call('HSET', subject, 'failures', 0)
      keep(name, now, tags[count + 1])
      return {'accepted'}
    end
  end
  local left = read(code, 'attempts') - redis.call('HINCRBY', code, 'failures', 1)
  local subject_left = subject_attempts - redis.call('HINCRBY', subject, 'failures', 1)
  return {'wrong', tostring(math.max(0, math.min(left, subject_left)))}
end

function commands.cancel(name, now, receipt)
  local subject, outcome = unpack(redis.call('HMGET', code, 'subject', 'outcome'))
  if subject ~= name then return {'unknown'} end
  if outcome == '1' then return {'used'} end
  redis.call('HSET', code, 'outcome', 2)
  keep(name, now, receipt)
  return {'cancelled'}
end

function commands.lock(name)
  redis.call('HSET', subject_key(name), 'locked', 1)
  return {'locked'}
end

function commands.unlock(name)
  redis.call('HSET', subject_key(name), 'locked', 0, 'failures', 0)
  return {'unlocked'}
end

-- The next cursor, and keys that have the pattern; one may come twice.
local function scan(cursor, pattern)
  return unpack(redis.call('SCAN', cursor, 'MATCH', pattern, 'COUNT', 1000))
end

function commands.receipt(name)
  local subject, receipt = unpack(redis.call('HMGET', receipt_key(), 'subject', 'receipt'))
  if subject ~= name then return {} end
  return {receipt}
end

local function forget(pattern, field, cursor, time)
  local next_cursor, keys = scan(cursor, pattern)
  local forgotten = 0
  for _, key in ipairs(keys) do
    if read(key, field) < tonumber(time) then forgotten = forgotten + redis.call('DEL', key) end
  end
  return {next_cursor, tostring(forgotten)}
end

function commands.forget(cursor, time)
  return forget('{otls}:code:*', 'expires_at', cursor, time)
end

function commands.forget_receipts(cursor, time)
  return forget('{otls}:receipt:*', 'kept_at', cursor, time)
end

-- Each code and what became of it, without what its subject may do.
function commands.states(cursor, now)
  local next_cursor, keys = scan(cursor, '{otls}:code:*')
  local answer = {next_cursor}
  for _, key in ipairs(keys) do
    table.insert(answer, key)
    table.insert(answer, closed(key, '', math.huge, tonumber(now)) or 'open')
  end
  return answer
end

function commands.locked_subjects(cursor)
  local next_cursor, keys = scan(cursor, '{otls}:subject:*')
  local answer = {next_cursor}
  for _, key in ipairs(keys) do
    if read(key, 'locked') == 1 then table.insert(answer, key) end
  end
  return answer
end

local answer = commands[ARGV[2]](unpack(ARGV, 3))
table.insert(answer, 1, ARGV[1])
return answer
