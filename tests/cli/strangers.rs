//! What strangers send that is no request: the log does not grow with it.

use doorstep::testing::Prelude;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::site::Site;

const MANY: usize = 300;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_request_gets_no_line_each() {
    let prelude = Prelude::start(None).await.expect("Prelude's side");
    let server = Site::with(&prelude).serve();
    let long = format!("GET / HTTP/1.1\r\nx: {}", "a".repeat(140_000));
    let broken = ["GET\r\n\r\n", "\u{16}\u{3}\u{1}\r\n\r\n", "GET / HTTP/1.1\r\n: x\r\n\r\n", &long];
    for text in broken.iter().cycle().take(MANY) {
        let mut stream = TcpStream::connect(&server.address).await.expect("a connection");
        // The other end may have had enough before all is sent.
        drop(stream.write_all(text.as_bytes()).await);
        drop(stream.read(&mut [0; 64]).await);
    }
    let said = server.stop().stderr;
    let lines = said.lines().count();
    assert!(lines < 50, "{lines} lines:\n{said}");
}
