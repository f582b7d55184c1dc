//! Whether a server did the work that its figures are about: it refuses what is forged, and has a row of every answer.

use std::net::SocketAddr;
use std::path::Path;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::calls::Call;
use crate::drive::Answers;
use crate::fault::{Fault, Outcome, While as _};
use crate::subject::Subject;

/// Sends a call whose signature is wrong, which must be 401.
///
/// # Errors
/// When it is not.
pub(super) async fn refuses_what_is_forged(address: SocketAddr, call: &Call) -> Outcome<()> {
    let mut stream = TcpStream::connect(address).await.doing("connecting")?;
    stream.write_all(&call.forged()).await.doing("sending a forged call")?;
    match Answers::new().next_body(&mut stream, "401").await {
        Ok(_) => Ok(()),
        Err(ending) => Err(Fault::new(format!("a forged call is not refused: {ending:?}"))),
    }
}

/// Counts the rows in the store of a server that has left: one for every call that was answered.
///
/// # Errors
/// When there are more or fewer.
pub(super) async fn has_a_row_of_every(answers: usize, directory: &Path) -> Outcome<()> {
    let mut connection = SqliteConnectOptions::new()
        .filename(Subject::store(directory))
        .connect()
        .await
        .doing("opening the store")?;
    let counted =
        sqlx::query_scalar::<_, i64>("SELECT count(*) FROM decisions").fetch_one(&mut connection).await;
    let rows = counted.doing("counting rows")?;
    connection.close().await.doing("closing the store")?;
    if usize::try_from(rows) == Ok(answers) {
        return Ok(());
    }
    Err(Fault::new(format!("{answers} calls were answered, and {rows} are in the store")))
}
