// A TLS 1.3 peer over Node's tls; scripts/interop.py says what it is given and what it prints.
'use strict';

const fs = require('node:fs');
const tls = require('node:tls');

const [role, port, cert, key, ca, auth, steps] = process.argv.slice(2);
const own = { cert: fs.readFileSync(cert), key: fs.readFileSync(key) };
const common = { ca: fs.readFileSync(ca), minVersion: 'TLSv1.3', ecdhCurve: 'X25519MLKEM768:X25519' };

function report(socket) {
  const { subject } = socket.getPeerCertificate();
  console.log(`done resumed=${socket.isSessionReused()} certificates=${subject ? 1 : 0}`);
}

function fail(error) {
  console.log(`error ${error}`);
  process.exitCode = 1;
}

if (role === 'server') {
  const asks = auth === '1';
  const server = tls.createServer({ ...common, ...own, requestCert: asks, rejectUnauthorized: asks }, (socket) => {
    socket.on('error', fail);
    socket.on('end', () => report(socket));
    socket.pipe(socket);
  });
  server.on('tlsClientError', fail);
  server.listen(port, '127.0.0.1', () => console.log('ready'));
} else {
  connect(steps.split('c').length - 1);
}

function connect(count, session) {
  if (count === 0) {
    return;
  }
  const socket = tls.connect({
    ...common, ...(auth === '1' ? own : {}), port, host: '127.0.0.1', servername: 'localhost', session,
  });
  let next;
  let received = '';
  socket.on('session', (ticket) => { next = ticket; });
  socket.on('error', fail);
  socket.on('secureConnect', () => socket.write('hello\n'));
  socket.on('data', (data) => {
    received += data;
    if (received === 'hello\n') {
      socket.write('hello\n');
    } else if (received === 'hello\nhello\n') {
      process.stdout.write(received.replaceAll('hello', 'got hello'));
      report(socket);
      socket.end();
    }
  });
  socket.on('close', () => connect(count - 1, next));
}
