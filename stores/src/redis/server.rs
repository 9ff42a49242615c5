//! A connection to a Redis server that keeps what it was told.

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, FromRedisValue, RedisError, ScriptInvocation, cmd};

use otls::error::OtpError;
use otls::internal::Deadline;
use otls::{Error, Result};

use super::super::call::{Driver, Nonce, failed};

/// What the address accepts of a server.
#[derive(Clone, Copy, Default)]
pub(super) struct Accepted {
    unknown_eviction: bool,
    less_persistence: bool,
}

impl Accepted {
    /// Takes its own part out of an address.
    pub(super) fn parse(address: &str) -> Result<(Client, Self)> {
        let mut accepted = Self::default();
        let mut url = redis::parse_redis_url(address)
            .ok_or_else(|| refused("its address cannot be read: pass redis://HOST or redis+unix:///PATH"))?;
        let mut rest: Vec<(String, String)> = Vec::new();
        for (name, value) in url.query_pairs().into_owned() {
            match (name.as_str(), value.as_str()) {
                ("accept", "unknown-eviction") => accepted.unknown_eviction = true,
                ("accept", "less-persistence") => accepted.less_persistence = true,
                ("accept", _) => {
                    return Err(refused(
                        "its address accepts what is not known: pass unknown-eviction or less-persistence",
                    ));
                }
                _ => rest.push((name, value)),
            }
        }
        url.set_query(None);
        if !rest.is_empty() {
            url.query_pairs_mut().extend_pairs(rest);
        }
        Ok((Client::open(url).map_err(|error| failed(&error))?, accepted))
    }
}

/// One that is dropped says nothing more to the server.
pub(super) struct Connection {
    connection: MultiplexedConnection,
    driver: Driver,
}

impl Connection {
    /// # Errors
    /// [`OtpError::Store`], also for a server that forgets.
    pub(super) fn open(client: &Client, accepted: Accepted, deadline: Deadline) -> Result<Self> {
        let driver = Driver::new()?;
        // The deadline is the driver's.
        let config = AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
        let nonce = Nonce::draw()?;
        let connection = driver.run(deadline, async {
            let connected = client.get_multiplexed_async_connection_with_config(&config).await;
            let mut connection = connected.map_err(|error| failed(&error))?;
            check(&mut connection, accepted).await?;
            let echo = cmd("ECHO").arg(&nonce.0).query_async::<Vec<u8>>(&mut connection).await;
            nonce.check(&echo.map_err(|error| failed(&error))?)?;
            Ok(connection)
        })?;
        Ok(Self { connection, driver })
    }

    pub(super) fn invoke<T: FromRedisValue + Send>(
        &mut self,
        invocation: &ScriptInvocation<'_>,
        deadline: Deadline,
    ) -> Result<T> {
        let Self { connection, driver } = self;
        driver.run(deadline, async {
            invocation.invoke_async(connection).await.map_err(|error| failed(&error))
        })
    }
}

async fn check(connection: &mut MultiplexedConnection, accepted: Accepted) -> Result<()> {
    let policy = match setting(connection, "maxmemory-policy").await? {
        None => told_by_info(connection).await?,
        known => known,
    };
    match policy.as_deref() {
        Some("noeviction") => {}
        None if accepted.unknown_eviction => {}
        None => {
            return Err(refused(
                "it does not tell its maxmemory-policy, and one that evicts forgets locks and counts: ask whoever \
                 runs it, then accept that with ?accept=unknown-eviction in its address",
            ));
        }
        Some(policy) => {
            return Err(refused(&format!(
                "its maxmemory-policy is {policy}, which forgets locks and counts: CONFIG SET maxmemory-policy \
                 noeviction, and in its configuration file"
            )));
        }
    }
    if accepted.less_persistence {
        return Ok(());
    }
    for (name, wanted) in [("appendonly", "yes"), ("appendfsync", "always")] {
        let found = setting(connection, name).await?;
        if found.as_deref() != Some(wanted) {
            let found = found.map_or("not told".to_owned(), |found| format!("'{found}'"));
            return Err(refused(&format!(
                "its {name} is {found}, and what it forgets in a crash is accepted again: CONFIG SET {name} \
                 {wanted}, and in its configuration file, or accept that with ?accept=less-persistence in its \
                 address"
            )));
        }
    }
    Ok(())
}

/// `None` where the server does not tell.
async fn setting(connection: &mut MultiplexedConnection, name: &str) -> Result<Option<String>> {
    let asked: Result<Vec<String>, RedisError> =
        cmd("CONFIG").arg("GET").arg(name).query_async(connection).await;
    let found = told(asked)?.unwrap_or_default();
    Ok(match found.as_slice() {
        [told, value] if told == name => Some(value.clone()),
        _ => None,
    })
}

/// The eviction policy of a server that lets nobody see its configuration.
async fn told_by_info(connection: &mut MultiplexedConnection) -> Result<Option<String>> {
    let asked: Result<String, RedisError> = cmd("INFO").arg("memory").query_async(connection).await;
    let text = told(asked)?.unwrap_or_default();
    let policy = text.lines().find_map(|line| line.strip_prefix("maxmemory_policy:"));
    Ok(policy.map(|policy| policy.trim().to_owned()))
}

/// What the server has answered; `None` where it has refused to.
fn told<T>(asked: Result<T, RedisError>) -> Result<Option<T>> {
    match asked {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.code().is_some() => Ok(None),
        Err(error) => Err(failed(&error)),
    }
}

fn refused(why: &str) -> Error {
    OtpError::Store(why.to_owned()).into()
}
