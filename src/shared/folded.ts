/** Folds a text for searching: without case, without diacritics, đ as d, so that "dang" finds "Đang" and "hoà" equals "hòa". */
export const folded = (text: string): string =>
  text.normalize('NFD').replace(/\p{M}/gu, '').replace(/[đĐ]/g, 'd').toLowerCase();
