// A row for every verdict, on disk before the answer leaves.

import Database from "better-sqlite3";

const SCHEMA = `CREATE TABLE IF NOT EXISTS decisions (
  id INTEGER PRIMARY KEY, user_id TEXT NOT NULL, scope TEXT NOT NULL, verdict TEXT NOT NULL, rule TEXT NOT NULL,
  answer TEXT NOT NULL, phones INTEGER NOT NULL, explanation TEXT NOT NULL)`;

const INSERT = `INSERT INTO decisions (user_id, scope, verdict, rule, answer, phones, explanation)
  VALUES (?, ?, ?, ?, ?, ?, ?)`;

/**
 * Opens or makes the file.
 *
 * - `commit`: "each" commits every row by itself, "group" all that wait in one transaction.
 */
export function openRecord(file, commit) {
  const database = new Database(file);
  database.pragma("journal_mode = WAL");
  database.pragma("synchronous = FULL");
  database.exec(SCHEMA);
  const insert = database.prepare(INSERT);
  const close = () => database.close();
  if (commit === "each") return { add: async (row) => void insert.run(row), close };
  if (commit === "group") return { add: groupCommit(database, insert), close };
  throw new Error(`a row is committed by "each" or "group", not by "${commit}"`);
}

/** Everything that came while the last transaction was written is in the next one. */
function groupCommit(database, insert) {
  let waiting = [];
  const commit = database.transaction((batch) => {
    for (const { row } of batch) insert.run(row);
  }).immediate;

  function flush() {
    const batch = waiting;
    waiting = [];
    try {
      commit(batch);
    } catch (error) {
      for (const { reject } of batch) reject(error);
      return;
    }
    for (const { resolve } of batch) resolve();
  }

  return (row) =>
    new Promise((resolve, reject) => {
      if (waiting.push({ row, resolve, reject }) === 1) setImmediate(flush);
    });
}
