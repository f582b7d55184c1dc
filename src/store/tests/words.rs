//! What a log line may hold of a database's fault: all that says what is wrong, and no value of a row.

use std::io::Write;
use std::sync::{Mutex, PoisonError};

use super::*;
use crate::domain::{Outage, Trouble};

on_each_engine! {
    [] a_row_that_a_trigger_refuses_is_not_quoted, an_outage_is_logged_with_all_its_causes
}

/// Takes log lines.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Lines {
    /// Each line with its fields.
    fn all(&self) -> Vec<serde_json::Value> {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let text = String::from_utf8(bytes).expect("text");
        text.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect()
    }
}

/// What a trigger on PostgreSQL says of the row, by the error's code.
async fn quoting(store: &Store, code: &'static str) {
    let function = either(
        "SELECT 1",
        "CREATE OR REPLACE FUNCTION quotes() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN RAISE EXCEPTION USING ERRCODE = TG_ARGV[0], MESSAGE = 'row ' || NEW::text, DETAIL = NEW::text; END $$",
    );
    run(store, function).await.expect("made");
    run(store, either("DROP TRIGGER IF EXISTS quotes", "DROP TRIGGER IF EXISTS quotes ON decisions"))
        .await
        .expect("gone");
    let refuse = "CREATE TRIGGER quotes BEFORE INSERT ON decisions BEGIN SELECT RAISE(ABORT, 'no rows'); END";
    let trigger = match code {
        "22P02" => {
            "CREATE TRIGGER quotes BEFORE INSERT ON decisions FOR EACH ROW EXECUTE FUNCTION quotes('22P02')"
        }
        "23514" => {
            "CREATE TRIGGER quotes BEFORE INSERT ON decisions FOR EACH ROW EXECUTE FUNCTION quotes('23514')"
        }
        _ => "CREATE TRIGGER quotes BEFORE INSERT ON decisions FOR EACH ROW EXECUTE FUNCTION quotes('P0001')",
    };
    run(store, either(refuse, trigger)).await.expect("made");
}

async fn a_row_that_a_trigger_refuses_is_not_quoted(directory: Directory) {
    let store = directory.open().await;
    for code in ["22P02", "23514", "P0001"] {
        quoting(&store, code).await;
        let error = store.record_decision(signature(1), block(1)).await.expect_err("refused");
        let words = causes(&error).to_string();
        assert!(!words.contains("usr_test") && !format!("{error:?}").contains("usr_test"), "{error:?}");
        assert!(words.contains(code) || words.contains("(code: 1811) no rows"), "{words}");
        if code != "P0001" {
            let trouble = Trouble::Fault { code: "row_refused", words };
            assert_eq!(error.trouble(), trouble);
        }
    }
}

/// The words of the database itself, in the form that machines read.
async fn an_outage_is_logged_with_all_its_causes(directory: Directory) {
    let lines = Lines::default();
    let writer = lines.clone();
    let json = tracing_subscriber::fmt().json().flatten_event(true).with_writer(move || writer.clone());
    // Where there is but one subscriber, `tracing` asks the thread that comes by a line first whether it is wanted, for ever after: that may
    // be another test's, which has none.
    let _second = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::default());
    let _here = tracing::subscriber::set_default(json.finish());
    let store = directory.open().await;
    run(&store, "ALTER TABLE decisions RENAME TO elsewhere").await.expect("renamed");
    let error = store.record_decision(signature(1), block(1)).await.expect_err("refused");
    assert_eq!(error.trouble(), Trouble::Outage(Outage::Other));
    let told = lines.all();
    let told: Vec<_> = told.iter().filter_map(|line| line["error"].as_str()).collect();
    let [told] = told[..] else { panic!("one line: {told:?}") };
    let named = told.contains("no such table: main.decisions") || told.contains("no such table: decisions");
    assert!(told.starts_with("the database is not available: "), "{told}");
    assert!(named || told.contains("SQLSTATE 42P01: relation \"decisions\" does not exist"), "{told}");
}
