//! A process that answers one line to each line.

use std::io::{BufRead, BufReader, Write};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};

use super::rounds::Answer;
use crate::Result;

/// Ends its process when it is dropped: closing the queries is the end.
pub(super) struct Child {
    process: std::process::Child,
    queries: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Child {
    /// Starts the command and waits for its "ready"; gives what else that line says.
    pub(super) fn start(command: &mut Command) -> Result<(Self, String)> {
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let queries = process.stdin.take();
        let answers = BufReader::new(process.stdout.take().expect("standard output is piped"));
        let mut child = Self { process, queries, answers };
        let line = child.read_line()?;
        let ready = line.strip_prefix("ready ").ok_or_else(|| format!("wanted \"ready\", got {line:?}"))?;
        Ok((child, ready.to_owned()))
    }

    /// Asks, and reads "milliseconds objective".
    pub(super) fn ask(&mut self, query: &str) -> Result<Answer> {
        let queries = self.queries.as_mut().expect("queries are open until the drop");
        writeln!(queries, "{query}")?;
        let line = self.read_line()?;
        let answer = line.split_once(' ').and_then(|(elapsed_ms, objective)| {
            Some(Answer { elapsed_ms: elapsed_ms.parse().ok()?, objective: objective.parse().ok()? })
        });
        answer.ok_or_else(|| format!("{query}: wanted milliseconds and an objective, got {line:?}").into())
    }

    fn read_line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            return Err("a solver ended before its answer, as shown above".into());
        }
        Ok(line.trim_end().to_owned())
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        drop(self.queries.take());
        if let Err(error) = self.process.wait() {
            eprintln!("a solver did not end: {error}");
        }
    }
}
