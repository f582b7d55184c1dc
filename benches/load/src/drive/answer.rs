//! Reads HTTP/1.1 answers from a kept connection and says which verdict each carries.

use std::ops::Range;

use serde::Deserialize;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

/// The longest answer that is read, head and body; Prelude's own bound is 64 KB.
const ANSWER_BYTES_MAX: usize = 65_536;

/// The verdict of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Granted.
    Continue,
    /// Granted after steps.
    Review,
    /// Refused.
    Block,
}

impl Verdict {
    /// Prelude's word.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Continue => "continue",
            Self::Review => "review",
            Self::Block => "block",
        }
    }
}

/// How a conversation ended before its answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The connection was cut: there is no answer.
    Cut,
    /// There is an answer, and it is 503: try again.
    Unavailable,
    /// There is an answer, and it is neither of these nor 200 with a verdict.
    Wrong(String),
}

#[derive(Deserialize)]
struct Body<'a> {
    status: &'a str,
    granted_for: Option<u32>,
    steps: Option<Vec<serde::de::IgnoredAny>>,
}

/// The answers on one connection.
pub(crate) struct Answers(Vec<u8>);

impl Answers {
    /// Starts without any.
    pub(crate) fn new() -> Self {
        Self(Vec::with_capacity(4_096))
    }

    /// Reads the next answer.
    ///
    /// # Errors
    /// [`Ending::Cut`] when there is none, [`Ending::Unavailable`], or [`Ending::Wrong`] when it is not a verdict.
    pub(crate) async fn next(&mut self, stream: &mut TcpStream) -> Result<Verdict, Ending> {
        let body = self.next_body(stream, "200").await?;
        verdict(body).ok_or_else(|| wrong("an answer is not a verdict", body))
    }

    /// Reads the next answer and gives its body.
    ///
    /// # Errors
    /// [`Ending::Cut`] when there is none, [`Ending::Unavailable`], or [`Ending::Wrong`] when it has not this status.
    pub(crate) async fn next_body(&mut self, stream: &mut TcpStream, status: &str) -> Result<&[u8], Ending> {
        self.0.clear();
        loop {
            match stream.read_buf(&mut self.0).await {
                Ok(0) | Err(_) => return Err(Ending::Cut),
                Ok(_) => {}
            }
            if let Some(body) = read(&self.0, status)? {
                return Ok(self.0.get(body).unwrap_or_default());
            }
            if self.0.len() > ANSWER_BYTES_MAX {
                return Err(Ending::Wrong("an answer is longer than 64 KB".to_owned()));
            }
        }
    }
}

/// Finds the body of one whole answer; `None` while it is not whole.
fn read(bytes: &[u8], status: &str) -> Result<Option<Range<usize>>, Ending> {
    let Some(head_len) = bytes.windows(4).position(|end| end == b"\r\n\r\n") else {
        return Ok(None);
    };
    let (head, rest) = bytes.split_at(head_len);
    let body = rest.get(4..).unwrap_or_default();
    let head = std::str::from_utf8(head).map_err(|_| wrong("an answer's head is not text", bytes))?;
    let length = head.lines().find_map(content_length).ok_or_else(|| wrong("no Content-Length", bytes))?;
    if body.len() < length {
        return Ok(None);
    }
    let said = head.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.split(' ').next());
    if said == Some("503") {
        return Err(Ending::Unavailable);
    }
    if said != Some(status) {
        return Err(wrong("an answer has another status", bytes));
    }
    if body.len() > length {
        return Err(wrong("an answer is longer than it says", bytes));
    }
    Ok(Some(bytes.len() - length..bytes.len()))
}

fn content_length(line: &str) -> Option<usize> {
    let (name, value) = line.split_once(':')?;
    if name.eq_ignore_ascii_case("content-length") { value.trim().parse().ok() } else { None }
}

/// The verdict of a body, if it has what Prelude requires of one.
fn verdict(body: &[u8]) -> Option<Verdict> {
    let body: Body<'_> = serde_json::from_slice(body).ok()?;
    let granted = body.granted_for.is_some_and(|seconds| seconds > 0);
    let steps = body.steps.is_some_and(|steps| !steps.is_empty());
    match body.status {
        "continue" if granted => Some(Verdict::Continue),
        "review" if granted && steps => Some(Verdict::Review),
        "block" => Some(Verdict::Block),
        _ => None,
    }
}

fn wrong(what: &str, answer: &[u8]) -> Ending {
    let shown: String = String::from_utf8_lossy(answer).chars().take(600).collect();
    Ending::Wrong(format!("{what}: {shown}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_once_it_is_whole() {
        let whole = b"HTTP/1.1 200 OK\r\ncontent-length: 18\r\n\r\n{\"status\":\"block\"}";
        for cut in 0..whole.len() {
            assert_eq!(read(&whole[..cut], "200"), Ok(None), "{cut}");
        }
        let body = read(whole, "200").ok().flatten().expect("a body");
        assert_eq!(verdict(&whole[body]), Some(Verdict::Block));
    }

    #[test]
    fn only_a_200_with_a_verdict_counts() {
        let check = |status: &str, body: &str, expected: Option<Verdict>| {
            let text = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
            let body = read(text.as_bytes(), "200").ok().flatten();
            assert_eq!(body.and_then(|body| verdict(&text.as_bytes()[body])), expected, "{text}");
        };
        check("200 OK", r#"{"status":"continue","granted_for":1}"#, Some(Verdict::Continue));
        check("200 OK", r#"{"status":"continue"}"#, None);
        check("200 OK", r#"{"status":"review","granted_for":1,"steps":[]}"#, None);
        check("200 OK", r#"{"status":"review","granted_for":1,"steps":[{}]}"#, Some(Verdict::Review));
        check("200 OK", r#"{"status":"maybe"}"#, None);
        check("503 Service Unavailable", r#"{"status":"block"}"#, None);
    }
}
