/** "Chrome · Android" out of what a browser calls itself; the start of it when it is none of the known. */
const BROWSERS = [
  ['Edg', 'Edge'],
  ['OPR', 'Opera'],
  ['SamsungBrowser', 'Samsung Internet'],
  ['coc_coc', 'Cốc Cốc'],
  ['Firefox', 'Firefox'],
  ['FxiOS', 'Firefox'],
  ['CriOS', 'Chrome'],
  ['Chrome', 'Chrome'],
  ['Safari', 'Safari'],
] as const;
const SYSTEMS = [
  ['Android', 'Android'],
  ['iPhone', 'iPhone'],
  ['iPad', 'iPad'],
  ['Mac OS X', 'macOS'],
  ['Windows', 'Windows'],
  ['CrOS', 'ChromeOS'],
  ['Linux', 'Linux'],
] as const;

export function deviceName(agent: string): string {
  const browser = BROWSERS.find(([word]) => agent.includes(word))?.[1];
  const system = SYSTEMS.find(([word]) => agent.includes(word))?.[1];
  return [browser, system].filter(Boolean).join(' · ') || agent.slice(0, 60) || '?';
}
