/** What the person came for has the network, and the processor, to itself before this resolves. */
const AFTER_MS = 1500;

export async function quiet(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, AFTER_MS));
  await new Promise<void>((resolve) =>
    'requestIdleCallback' in window ? requestIdleCallback(() => resolve(), { timeout: 4000 }) : resolve(),
  );
}
