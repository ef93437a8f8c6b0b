/** The place that pictures of a message take, known before anything that shows them is loaded, so that nothing jumps. */
import type { AttachmentView } from '$lib/state/views.ts';

/** Shown as a picture: a film is one with a button. */
export const isPicture = ({ kind }: Pick<AttachmentView, 'kind'>): boolean => kind === 'image' || kind === 'video';
