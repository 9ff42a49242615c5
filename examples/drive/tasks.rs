//! The scenarios over `otls::io::AsyncStream`, with tasks.

use std::io;
use std::time::{Duration, Instant};

use otls::io::AsyncStream;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::{Checked, Outcome, Plan, check_answer, check_cut, check_timeout};

pub(super) fn play(plan: &Plan) -> Outcome<String> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let done = runtime.block_on(run(plan));
    runtime.shutdown_background();
    done
}

async fn run(plan: &Plan) -> Outcome<String> {
    let socket = TcpStream::connect(&plan.address).await?;
    socket.set_nodelay(true)?;
    let mut stream = AsyncStream::new(socket, plan.connection()?).with_timeouts(plan.timeouts());
    let begun = Instant::now();
    match stream.handshake().await {
        Err(error) if plan.scenario == "trickle" => return check_timeout(&error, begun),
        Ok(_) if plan.scenario == "trickle" => return Err("the handshake is done".into()),
        done => done?,
    };
    stream.write_all(plan.line().as_bytes()).await?;
    stream.flush().await?;
    match plan.scenario.as_str() {
        "echo" | "both" | "octets" => both_ways(plan, stream).await,
        "signals" => {
            super::alarms()?;
            both_ways(plan, stream).await
        }
        "half-close" | "slow" => half_close(plan, stream).await,
        "cut" => cut(plan, stream).await,
        "cancel" => cancel(plan, stream).await,
        "close" => close(stream).await,
        "select" => select(plan, stream).await,
        other => Err(format!("{other}: no such scenario").into()),
    }
}

async fn both_ways(plan: &Plan, stream: AsyncStream<TcpStream>) -> Outcome<String> {
    let (mut reader, mut writer) = tokio::io::split(stream);
    let parts = plan.parts();
    let writing = tokio::spawn(async move {
        for part in parts {
            writer.write_all(&part).await?;
        }
        writer.shutdown().await
    });
    let mut checked = Checked::default();
    read_all(&mut reader, &mut checked).await?.map_or(Ok(()), Err)?;
    writing.await??;
    checked.all(plan.size)
}

/// Reads to the end, or to the error that is returned within.
async fn read_all(
    reader: &mut (impl AsyncRead + Unpin),
    checked: &mut Checked,
) -> Outcome<Option<io::Error>> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match reader.read(&mut buffer).await {
            Ok(0) => return Ok(None),
            Ok(len) => checked.take(buffer.get(..len).unwrap_or_default())?,
            Err(error) => return Ok(Some(error)),
        }
    }
}

async fn half_close(plan: &Plan, mut stream: AsyncStream<TcpStream>) -> Outcome<String> {
    for part in plan.parts() {
        stream.write_all(&part).await?;
    }
    stream.shutdown().await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    stream.close().await?;
    check_answer(&answer, plan.size)
}

async fn cut(plan: &Plan, mut stream: AsyncStream<TcpStream>) -> Outcome<String> {
    let mut checked = Checked::default();
    let error = read_all(&mut stream, &mut checked).await?.ok_or("a clean end")?;
    check_cut(&error, &checked, plan.size)
}

async fn cancel(plan: &Plan, mut stream: AsyncStream<TcpStream>) -> Outcome<String> {
    let (plan, begun) = (plan.clone(), Instant::now());
    let writing = tokio::spawn(async move {
        for part in plan.parts() {
            stream.write_all(&part).await?;
        }
        io::Result::Ok(())
    });
    sleep(Duration::from_millis(500)).await;
    writing.abort();
    if !writing.await.is_err_and(|ended| ended.is_cancelled()) {
        return Err("the write was over".into());
    }
    let took = begun.elapsed();
    if took < Duration::from_secs(3) {
        Ok(format!("after {took:?}"))
    } else {
        Err(format!("{took:?}").into())
    }
}

async fn close(mut stream: AsyncStream<TcpStream>) -> Outcome<String> {
    let handle = stream.handle();
    let closing = tokio::spawn(async move {
        sleep(Duration::from_millis(300)).await;
        let begun = Instant::now();
        handle.close().await.map(|()| begun)
    });
    let read = stream.read(&mut [0; 100]).await;
    let awake = Instant::now();
    let begun = closing.await??;
    if let Ok(len @ 1..) = read {
        return Err(format!("{len} octets of data").into());
    }
    let took = awake.saturating_duration_since(begun);
    let said = format!("after {took:?}: {read:?}");
    if took < Duration::from_secs(1) { Ok(said) } else { Err(said.into()) }
}

/// A task has no `poll`: what is read is all that `pending` says, and only where it says nothing is waited.
async fn select(plan: &Plan, mut stream: AsyncStream<TcpStream>) -> Outcome<String> {
    let mut checked = Checked::default();
    let mut buffer = [0; 10];
    loop {
        if stream.pending() == 0 {
            let ready = timeout(Duration::from_secs(5), stream.readable()).await;
            ready.map_err(|_| format!("nothing after {} octets", checked.0))??;
        }
        match stream.read(&mut buffer).await? {
            0 => {
                stream.close().await?;
                return checked.all(plan.size);
            }
            len => checked.take(buffer.get(..len).unwrap_or_default())?,
        }
    }
}
