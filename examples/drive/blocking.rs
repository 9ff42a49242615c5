//! The scenarios over `otls::io::Stream`, with threads.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use otls::io::Stream;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::{Checked, Outcome, Plan, check_answer, check_cut, check_timeout};

pub(super) fn play(plan: &Plan) -> Outcome<String> {
    let socket = TcpStream::connect(&plan.address)?;
    socket.set_nodelay(true)?;
    let mut stream = Stream::new(socket, plan.connection()?).with_timeouts(plan.timeouts());
    let begun = Instant::now();
    match stream.handshake() {
        Err(error) if plan.scenario == "trickle" => return check_timeout(&error, begun),
        Ok(_) if plan.scenario == "trickle" => return Err("the handshake is done".into()),
        done => done?,
    };
    stream.write_all(plan.line().as_bytes())?;
    match plan.scenario.as_str() {
        "echo" | "both" | "octets" => both_ways(plan, stream),
        "signals" => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async { super::alarms() })?;
            both_ways(plan, stream)
        }
        "half-close" | "slow" => half_close(plan, stream),
        "cut" => cut(plan, stream),
        "cancel" => cancel(plan, stream),
        "close" => close(stream),
        "select" => select(plan, stream),
        other => Err(format!("{other}: no such scenario").into()),
    }
}

fn both_ways(plan: &Plan, stream: Stream<TcpStream>) -> Outcome<String> {
    let (mut reader, mut writer) = stream.split()?;
    let parts = plan.parts();
    let writing = thread::spawn(move || {
        for part in parts {
            writer.write_all(&part)?;
        }
        writer.close_write()
    });
    let mut checked = Checked::default();
    read_all(&mut reader, &mut checked)?.map_or(Ok(()), Err)?;
    writing.join().map_err(|_| "the writer panicked")??;
    checked.all(plan.size)
}

/// Reads to the end, or to the error that is returned within.
fn read_all(reader: &mut impl Read, checked: &mut Checked) -> Outcome<Option<io::Error>> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return Ok(None),
            Ok(len) => checked.take(buffer.get(..len).unwrap_or_default())?,
            Err(error) => return Ok(Some(error)),
        }
    }
}

fn half_close(plan: &Plan, mut stream: Stream<TcpStream>) -> Outcome<String> {
    for part in plan.parts() {
        stream.write_all(&part)?;
    }
    stream.close_write()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    stream.close()?;
    check_answer(&answer, plan.size)
}

fn cut(plan: &Plan, mut stream: Stream<TcpStream>) -> Outcome<String> {
    let mut checked = Checked::default();
    let error = read_all(&mut stream, &mut checked)?.ok_or("a clean end")?;
    check_cut(&error, &checked, plan.size)
}

fn cancel(plan: &Plan, mut stream: Stream<TcpStream>) -> Outcome<String> {
    let (handle, begun) = (stream.handle()?, Instant::now());
    let canceller = thread::spawn(move || {
        thread::sleep(Duration::from_millis(500));
        handle.abort();
    });
    let failed = plan.parts().find_map(|part| stream.write_all(&part).err());
    drop(stream);
    canceller.join().map_err(|_| "the other thread panicked")?;
    in_time(begun, 3, &failed.ok_or("all was written")?)
}

fn close(mut stream: Stream<TcpStream>) -> Outcome<String> {
    let handle = stream.handle()?;
    let closing = thread::spawn(move || {
        thread::sleep(Duration::from_millis(300));
        let begun = Instant::now();
        handle.close().map(|()| begun)
    });
    let read = stream.read(&mut [0; 100]);
    let awake = Instant::now();
    let begun = closing.join().map_err(|_| "the other thread panicked")??;
    let error = match read {
        Ok(0) => io::Error::from(ErrorKind::UnexpectedEof),
        Ok(len) => return Err(format!("{len} octets of data").into()),
        Err(error) => error,
    };
    let took = awake.saturating_duration_since(begun);
    if took < Duration::from_secs(1) { Ok(format!("after {took:?}: {error}")) } else { Err(error.into()) }
}

fn select(plan: &Plan, mut stream: Stream<TcpStream>) -> Outcome<String> {
    let mut checked = Checked::default();
    let mut buffer = [0; 10];
    loop {
        if stream.pending() == 0 {
            let limit = Timespec { tv_sec: 5, tv_nsec: 0 };
            if poll(&mut [PollFd::new(&stream, PollFlags::IN)], Some(&limit))? == 0 {
                return Err(format!("poll timed out after {} octets", checked.0).into());
            }
        }
        match stream.read(&mut buffer)? {
            0 => {
                stream.close()?;
                return checked.all(plan.size);
            }
            len => checked.take(buffer.get(..len).unwrap_or_default())?,
        }
    }
}

fn in_time(begun: Instant, seconds: u64, error: &io::Error) -> Outcome<String> {
    let took = begun.elapsed();
    let said = format!("after {took:?}: {error}");
    if took < Duration::from_secs(seconds) { Ok(said) } else { Err(said.into()) }
}
