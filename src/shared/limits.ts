/** Every limit in one place, its unit in its name. The relay enforces them; the app shows them before they are hit. */

export const NAME_MAX_CHARS = 80;
export const ABOUT_MAX_CHARS = 500;
export const EMAIL_MAX_CHARS = 254;
export const PASSWORD_MIN_CHARS = 8;
export const PASSWORD_MAX_CHARS = 256;
export const TITLE_MAX_CHARS = 120;
export const TOPIC_MAX_CHARS = 1_000;
export const MESSAGE_MAX_CHARS = 16_000;
export const EMOJI_MAX_CHARS = 32;
export const MENTIONS_MAX_COUNT = 200;
export const ATTACHMENTS_MAX_COUNT = 20;
/**
 * Of a file, and of all that one person has uploaded, unless whoever runs the relay says otherwise (`BLOB_MAX_MB`, `PERSON_MAX_MB`).
 */
export const BLOB_MAX_BYTES = 2 * 1024 ** 3;
export const PERSON_MAX_BYTES = 50 * 1024 ** 3;
/** Uploads that one person has begun and not finished. */
export const UPLOADS_MAX_COUNT = 100;
/** A picture with more pixels is not decoded: it would take more memory than a telephone has (four bytes each). */
export const PICTURE_MAX_PIXELS = 100_000_000;
export const GROUP_MAX_MEMBERS = 1_000;
export const SEARCH_MAX_CHARS = 200;
/** Of those that a search for people finds, and of those that are listed before anything is typed. */
export const PEOPLE_FOUND_MAX_COUNT = 50;
/**
 * Up to this many people, everybody is told everybody's marks, presence and typing. That costs the square of their number, so that in a larger
 * group each is told only what everybody else has, and nobody who is there.
 */
export const SMALL_GROUP_MAX_MEMBERS = 50;

/** Everybody in a call sends to everybody else, so their number is squared. */
export const CALL_MAX_PEOPLE = 8;
/** One signalling message at the call broker: an offer with all its candidates is a tenth of it. */
export const SIGNAL_MAX_BYTES = 64 * 1024;

/** How many stamps a page holds: page n holds the stamps (n·1000, (n+1)·1000]. */
export const PAGE_STAMPS = 1_000;

/** One plain value in a document, as JSON text. A message of 16,000 characters outside ASCII needs about 96,000 when escaped. */
export const VALUE_MAX_BYTES = 128 * 1024;
export const VALUE_MAX_DEPTH = 6;
/** Of the last message, in a row of the list. */
export const PREVIEW_MAX_CHARS = 160;
/** One socket frame. A sync answer of a device that was offline for weeks must fit. */
export const FRAME_MAX_BYTES = 4 * 1024 * 1024;
/** One JSON request body. */
export const BODY_MAX_BYTES = 256 * 1024;
/** How many documents one socket may have open at once. */
export const CHANNELS_MAX_COUNT = 2_000;
/** How many conversations' delivered marks one control frame may carry. */
export const MARKS_MAX_COUNT = 200;
/** Awareness holds a cursor's worth of state, not a document. */
export const AWARENESS_MAX_BYTES = 2 * 1024;

export const SESSION_DAYS = 30;
export const HISTORY_PAGE_DEFAULT = 50;
export const HISTORY_PAGE_MAX = 200;
