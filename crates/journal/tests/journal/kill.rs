//! A process that is killed in the middle of its writes loses no acknowledged record.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use kerb_journal::{FjallJournal, JournalError};
use kerb_ports::TripJournal;
use kerb_ports::conformance::journal::{market, record};
use kerb_trips::Version;

/// Environment variable of the child process: its journal's folder. Without it, the child's test does nothing.
const FOLDER_VARIABLE: &str = "KERB_TEST_JOURNAL_FOLDER";
const MARKETS: [&str; 4] = ["east", "north", "west", "world"];
/// The number of acknowledgements after which each child process is killed.
const KILL_AFTER: [usize; 6] = [1, 7, 40, 150, 3, 90];

/// The child process; this is not a test of its own.
#[test]
fn appends_until_it_is_killed() {
    if let Some(folder) = std::env::var_os(FOLDER_VARIABLE) {
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
                let next = record(name, newest.get() + 1);
                newest = journal.append(market(name), newest, next).await.unwrap();
                // This fails when the parent has ended, so the child never outlives its parent.
                let mut out = std::io::stdout();
                writeln!(out, "acknowledged {name} {newest}").and_then(|()| out.flush()).unwrap();
            }
        }
    });
    let _: [(); 4] = futures::future::join_all(writers).await.try_into().unwrap();
}

/// The child process; the drop kills it.
struct Appender {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Appender {
    fn start(folder: &Path) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kill::appends_until_it_is_killed", "--nocapture"])
            .env(FOLDER_VARIABLE, folder)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// Reads the next acknowledgement; `None` at the end. The test harness writes text to the same output.
    fn next(&mut self) -> Option<(String, u64)> {
        let line = self.lines.by_ref().map_while(Result::ok).find(|line| line.contains("acknowledged "))?;
        // The last line may be cut off.
        let (_, acknowledgement) = line.split_once("acknowledged ")?;
        let (name, version) = acknowledgement.split_once(' ')?;
        Some((name.to_owned(), version.parse().ok()?))
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Appender {
    fn drop(&mut self) {
        // After a test without failure, the child is dead already and these fail.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn a_kill_loses_no_acknowledged_record() {
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged = BTreeMap::from(MARKETS.map(|name| (name.to_owned(), 0)));
    for count in KILL_AFTER {
        let mut appender = Appender::start(folder.path());
        let mut last: Vec<_> =
            (0..count).map(|_| appender.next().expect("the child appends for ever")).collect();
        let second = FjallJournal::open(folder.path()).unwrap_err();
        assert!(matches!(second, JournalError::InUse(_)), "{second}");
        appender.kill();
        // The child may have acknowledged more records than were read before it was killed.
        last.extend(std::iter::from_fn(|| appender.next()));
        acknowledged.extend(last);
        check(folder.path(), &acknowledged).await;
    }
    assert!(acknowledged.values().sum::<u64>() >= KILL_AFTER.iter().sum::<usize>() as u64);
}

/// Checks that every acknowledged record is there unchanged. Each market may have one record more, which was written but not
/// yet acknowledged.
async fn check(folder: &Path, acknowledged: &BTreeMap<String, u64>) {
    let journal = FjallJournal::open(folder).unwrap();
    for (name, acknowledged) in acknowledged {
        let read = journal.read(market(name), Version::new(0), usize::MAX).await.unwrap();
        let newest = read.len() as u64;
        assert!(
            (*acknowledged..=acknowledged + 1).contains(&newest),
            "{name}: {newest} records, {acknowledged} acknowledged"
        );
        assert_eq!(journal.version(market(name)).await, Ok(Version::new(newest)));
        let sent: Vec<_> =
            (1..=newest).map(|version| (Version::new(version), record(name, version))).collect();
        assert_eq!(read, sent);
    }
}
