/**
 * The driver counts the rows of an answer for each connection, and does not begin anew when an answer ends early, with an error or a lost connection
 * (postgres.js 3.4.9; porsager/postgres#1119, #1181): the first rows of the next answer on that connection are then holes. A session that is there
 * has no row, and a commit that went through has two. The rows that did come are the query's own, all of them and in order, so the holes are cut off.
 */
/** What the driver's queries are settled by. */
interface Query {
  resolve?: unknown;
}

/** What a tag answers: a query, or a piece of one, which is never settled. Values and names are left as they are. */
export function withOwnRows(asked: Query): Query {
  const { resolve } = asked;
  if (typeof resolve === 'function') {
    asked.resolve = (answer: unknown): void => {
      if (Array.isArray(answer)) cutHoles(answer);
      (resolve as (answer: unknown) => void)(answer);
    };
  }
  return asked;
}

function cutHoles(rows: unknown[]): void {
  if (rows.length === 0 || 0 in rows) return;
  rows.splice(
    0,
    rows.findIndex((_row, at) => at in rows),
  );
}
