//! Killed in the middle of its writes, again and again, a process has lost nothing that it had acknowledged.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use kerb_journal::{FjallJournal, JournalError};
use kerb_ports::TripJournal;
use kerb_ports::conformance::journal::{market, record};
use kerb_trips::Version;

/// Tells the other process that it is one, and its folder.
const FOLDER: &str = "KERB_TEST_JOURNAL_FOLDER";
const MARKETS: [&str; 4] = ["east", "north", "west", "world"];
/// After so many acknowledgements a process is killed; then the next goes on.
const ROUNDS: [usize; 6] = [1, 7, 40, 150, 3, 90];

/// The other process: not a test of its own.
#[test]
fn appends_until_it_is_killed() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        append_for_ever(Path::new(&folder));
    }
}

#[tokio::main]
async fn append_for_ever(folder: &Path) {
    let journal = FjallJournal::open(folder).unwrap();
    let writers = MARKETS.map(|name| {
        let journal = &journal;
        async move {
            let mut newest = journal.version(market(name)).await.unwrap();
            loop {
                let next = record(name, newest + 1);
                newest = journal.append(market(name), newest, next).await.unwrap();
                // Fails when nobody reads any more: so this ends with its parent.
                let mut out = std::io::stdout();
                writeln!(out, "acknowledged {name} {newest}").and_then(|()| out.flush()).unwrap();
            }
        }
    });
    let _: [(); 4] = futures::future::join_all(writers).await.try_into().unwrap();
}

/// The other process; it ends with this value.
struct Appender {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Appender {
    fn start(folder: &Path) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kill::appends_until_it_is_killed", "--nocapture"])
            .env(FOLDER, folder)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// The next acknowledgement; `None` at the end. The test harness writes lines and starts of lines, too.
    fn next(&mut self) -> Option<(String, Version)> {
        let line = self.lines.by_ref().map_while(Result::ok).find(|line| line.contains("acknowledged "))?;
        // The last line may be cut off.
        let (_, told) = line.split_once("acknowledged ")?;
        let (name, version) = told.split_once(' ')?;
        Some((name.to_owned(), version.parse().ok()?))
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Appender {
    fn drop(&mut self) {
        // Killed already when all went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_by_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged = BTreeMap::from(MARKETS.map(|name| (name.to_owned(), 0)));
    for count in ROUNDS {
        let mut appender = Appender::start(folder.path());
        let mut last: Vec<_> = (0..count).map(|_| appender.next().expect("it goes on for ever")).collect();
        let second = FjallJournal::open(folder.path()).unwrap_err();
        assert!(matches!(second, JournalError::InUse(_)), "{second}");
        appender.kill();
        // What it had written before the end and nobody had read yet.
        last.extend(std::iter::from_fn(|| appender.next()));
        acknowledged.extend(last);
        check(folder.path(), &acknowledged).await;
    }
    assert!(acknowledged.values().sum::<Version>() >= ROUNDS.iter().sum::<usize>() as Version);
}

/// Every acknowledged record is there as it was sent, and at most the one more that each market's writer had on its way.
async fn check(folder: &Path, acknowledged: &BTreeMap<String, Version>) {
    let journal = FjallJournal::open(folder).unwrap();
    for (name, acknowledged) in acknowledged {
        let read = journal.read(market(name), 0, usize::MAX).await.unwrap();
        let newest = read.len() as Version;
        assert!(
            (*acknowledged..=acknowledged + 1).contains(&newest),
            "{name}: {newest}, told {acknowledged}"
        );
        assert_eq!(journal.version(market(name)).await, Ok(newest));
        let sent: Vec<_> = (1..=newest).map(|version| (version, record(name, version))).collect();
        assert_eq!(read, sent);
    }
}
