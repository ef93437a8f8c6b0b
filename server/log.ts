/** One line an event: JSON for machines, or short text for people (`pretty`). Never logs what people wrote. */

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';
export type LogFields = Record<string, string | number | boolean | null | undefined>;

export interface Log {
  debug(what: string, fields?: LogFields): void;
  info(what: string, fields?: LogFields): void;
  warn(what: string, fields?: LogFields): void;
  error(what: string, fields?: LogFields): void;
}

const RANK: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3, silent: 4 };

export interface LogOptions {
  level: LogLevel;
  pretty?: boolean;
  write?: (line: string) => void;
}

export function createLog({
  level,
  pretty = false,
  write = (line) => void process.stderr.write(line),
}: LogOptions): Log {
  const at =
    (own: Exclude<LogLevel, 'silent'>) =>
    (what: string, fields: LogFields = {}) => {
      if (RANK[own] < RANK[level]) return;
      write(
        pretty
          ? prettyLine(own, what, fields)
          : `${JSON.stringify({ at: new Date().toISOString(), level: own, what, ...fields })}\n`,
      );
    };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

function prettyLine(level: string, what: string, fields: LogFields): string {
  const rest = Object.entries(fields).filter(([, value]) => value !== undefined);
  const tail = rest.map(([key, value]) => ` ${key}=${String(value)}`).join('');
  return `${new Date().toISOString().slice(11, 23)} ${level === 'info' ? '' : `${level.toUpperCase()} `}${what}${tail}\n`;
}

/** What went wrong, for a log line: an Error's message, or whatever else was thrown. */
export const reason = (error: unknown): string => (error instanceof Error ? error.message : String(error));
