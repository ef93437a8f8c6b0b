/** Calls whose network goes: all media passes through a TURN server, which is stopped, or gives way to another. */
import { findServices } from '../scripts/services.mjs';
import { Caller, CALLER_BROWSER } from './fixtures/caller.ts';
import { Coturn } from './fixtures/coturn.ts';
import { RelayProcess } from './fixtures/relay.ts';
import { expect, Stage, test as base } from './fixtures/stage.ts';

interface Network {
  stage: Stage;
  /** The one that is used first; the other is silent. */
  first: Coturn;
  second: Coturn;
}

const test = base.extend<{ network: Network }>({
  network: async ({ browser, launchOptions, contextOptions, locale, timezoneId, viewport }, use) => {
    const first = await Coturn.start();
    const second = await Coturn.start(first?.secret);
    if (first === null || second === null) throw new Error('there is no coturn');
    second.pause();
    const settings = { TURN_URL: `${first.url},${second.url}`, TURN_SECRET: first.secret };
    const relay = await RelayProcess.start(settings);
    const stage = new Stage(relay, browser, launchOptions, { ...contextOptions, locale, timezoneId, viewport });
    await use({ stage, first, second });
    await stage.end();
    await relay.remove();
    await Promise.all([first.stop(), second.stop()]);
    expect(stage.faults).toEqual([]);
  },
});
test.use(CALLER_BROWSER);
test.describe.configure({ timeout: 150_000 });
test.skip(findServices().turn === undefined, 'needs the package coturn');

/** As behind a firewall that lets nothing else through. */
function throughTurnOnly(): void {
  const Plain = RTCPeerConnection;
  window.RTCPeerConnection = class extends Plain {
    constructor(configuration?: RTCConfiguration) {
      super({ ...configuration, iceTransportPolicy: 'relay' });
    }
  };
}

async function two({ stage }: Network): Promise<[an: Caller, binh: Caller]> {
  const [an, binh] = [new Caller(await stage.actor('An')), new Caller(await stage.actor('Bình'))];
  await an.who.context.request.post(`${stage.relay.url}/api/conversations`, {
    data: { kind: 'direct', members: [binh.who.id] },
  });
  for (const { who } of [an, binh]) await who.page.addInitScript(throughTurnOnly);
  await Promise.all([an.who.comesIn(), binh.who.comesIn()]);
  await an.who.opens(binh.who.name);
  await an.calls('Video call');
  await binh.accepts();
  await Promise.all([an.sees(), binh.sees(), an.hears(), binh.hears()]);
  return [an, binh];
}

test('[C14] a network that is gone for five seconds is waited for, and said to be', async ({ network }) => {
  const [an, binh] = await two(network);
  network.first.pause();
  const cut = Date.now();
  await Promise.all([an, binh].map(({ page }) => expect(page.getByText('Reconnecting').first()).toBeVisible()));
  await an.sees(0);
  await expect.poll(() => Date.now() - cut, { intervals: [100] }).toBeGreaterThan(5_000);
  network.first.resume();
  await Promise.all([an.sees(), binh.sees(), an.hears(), binh.hears()]);
  await expect(an.page.getByText('Reconnecting')).toHaveCount(0);
});

test('[C14] a way that is gone for good gives way to another', async ({ network }) => {
  const [an, binh] = await two(network);
  await network.first.stop();
  network.second.resume();
  await Promise.all([an.sees(), binh.sees(), an.hears(), binh.hears()]);
  await binh.hangsUp();
  await an.isInNoCall();
});
