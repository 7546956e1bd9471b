//! A mirror on loopback that answers as it is told and remembers what it was
//! asked.

#![allow(dead_code, reason = "each test uses its part")]

use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

/// One request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    /// Lower-case names.
    pub(crate) headers: Vec<(String, String)>,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().find(|(key, _)| key == name)?;
        Some(value)
    }
}

/// One answer to give.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    /// Bytes of the body that are really sent.
    sent: usize,
}

impl Answer {
    pub(crate) fn status(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Vec::new(),
            sent: 0,
        }
    }

    pub(crate) fn file(body: &[u8]) -> Self {
        Self {
            body: body.to_vec(),
            sent: body.len(),
            ..Self::status(200).with("content-type", "application/octet-stream")
        }
    }

    pub(crate) fn text(status: u16, text: &str) -> Self {
        Self {
            status,
            ..Self::file(text.as_bytes()).with("content-type", "text/plain")
        }
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(key, _)| key != name);
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Promises the whole body, sends half and hangs up.
    pub(crate) fn cut(mut self) -> Self {
        self.sent /= 2;
        self
    }

    fn send(&self, mut stream: &TcpStream, head_only: bool) -> std::io::Result<()> {
        let mut head =
            format!("HTTP/1.1 {} Answer\r\nconnection: close\r\n", self.status).into_bytes();
        for (name, value) in &self.headers {
            write!(head, "{name}: {value}\r\n")?;
        }
        if self.status != 304 {
            write!(head, "content-length: {}\r\n", self.body.len())?;
        }
        head.extend(b"\r\n");
        stream.write_all(&head)?;
        if !head_only {
            stream.write_all(&self.body[..self.sent])?;
        }
        stream.flush()
    }
}

/// The mirror; it ends with the process.
pub(crate) struct Mirror {
    address: String,
    asked: Receiver<Asked>,
}

impl Mirror {
    /// Answers each request by what `answer` makes of it.
    pub(crate) fn new(answer: impl Fn(&Asked) -> Answer + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (tell, asked) = channel();
        thread::spawn(move || {
            for stream in listener.incoming() {
                // A client that hangs up early is part of some tests.
                let _ = stream.and_then(|stream| serve(&stream, &answer, &tell));
            }
        });
        Self { address, asked }
    }

    /// A mirror that gives the same answer to everything.
    pub(crate) fn always(answer: Answer) -> Self {
        Self::new(move |_| answer.clone())
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    /// The requests since the last time, in order.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.try_iter().collect()
    }

    /// The paths of the requests since the last time.
    pub(crate) fn targets(&self) -> Vec<String> {
        self.asked().into_iter().map(|asked| asked.target).collect()
    }
}

fn serve(
    stream: &TcpStream,
    answer: &impl Fn(&Asked) -> Answer,
    tell: &Sender<Asked>,
) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    let mut words = first.split(' ').map(str::to_owned);
    let mut asked = Asked {
        method: words.next().unwrap_or_default(),
        target: words.next().unwrap_or_default(),
        headers: Vec::new(),
    };
    for line in lines {
        let line = line?;
        let Some((name, value)) = line.split_once(':') else {
            break;
        };
        asked
            .headers
            .push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let answer = answer(&asked);
    let head_only = asked.method == "HEAD";
    // Told before the answer, so that who has the answer finds the question.
    let _ = tell.send(asked);
    answer.send(stream, head_only)?;
    stream.shutdown(Shutdown::Write)
}
