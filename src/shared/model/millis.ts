import * as v from 'valibot';

/** Milliseconds since 1970, by some clock. */
export const Millis = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(8_640_000_000_000_000));
