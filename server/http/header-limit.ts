/**
 * How long a request's line and headers may be together. uWebSockets.js takes 4 KB unless the environment says otherwise, and reads that when
 * it is loaded, so this is imported before it. Cookies of whatever else runs on somebody's localhost come along and are easily more.
 */
process.env['UWS_HTTP_MAX_HEADERS_SIZE'] ??= String(16 * 1024);
