// Cloudflare's official SDK against radar_simulator: what it sends is understood, what it gets it
// can read, and refusals become its own error classes.
//
// Usage: node sdk_test.mjs PATH_TO_radar_simulator
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';

import Cloudflare from 'cloudflare';

const simulator = spawn(process.argv[2], ['--listen-address', '127.0.0.1:0'], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
const exited = once(simulator, 'exit');
process.on('exit', () => simulator.kill('SIGKILL'));  // whatever happened before
const [line] = await Promise.race([
  once(createInterface({ input: simulator.stdout }), 'line'),
  exited.then(([code]) => { throw new Error(`radar_simulator ended with ${code}`); }),
]);
const baseURL = line.match(/listening on (http:\S+)/)[1];
const root = new URL(baseURL).origin;

const client = (credentials = { apiToken: 'simulator-token' }) =>
  new Cloudflare({ apiToken: null, apiKey: null, apiEmail: null, ...credentials, baseURL, maxRetries: 0 });
const security = (credentials) => client(credentials).radar.email.security;
const scenario = async (name) => {
  const response = await fetch(`${root}/scenario/${name}`, { method: 'PUT' });
  assert.equal(response.status, 200);
};

after(async () => {
  simulator.kill('SIGTERM');
  const [code] = await exited;
  assert.equal(code, 0);
});

const checkSeries = (series, points) => {
  assert.equal(series.timestamps.length, points);
  assert.equal(series.SPOOF.length, points);
  assert.equal(series.NOT_SPOOF.length, points);
  for (let i = 0; i < points; ++i) {
    assert.match(series.SPOOF[i], /^\d{1,3}\.\d{1,6}$/);
    assert.ok(Math.abs(Number(series.SPOOF[i]) + Number(series.NOT_SPOOF[i]) - 100) < 1e-9);
  }
};

test('one filtered series with its meta', async () => {
  const result = await security().timeseriesGroups.spoof({
    aggInterval: '1h', dateRange: ['7d'], dmarc: ['FAIL'], format: 'JSON',
  });
  assert.deepEqual(Object.keys(result).sort(), ['meta', 'serie_0']);
  checkSeries(result.serie_0, 169);
  assert.equal(result.meta.aggInterval, 'ONE_HOUR');
  assert.equal(result.meta.normalization, 'PERCENTAGE');
  assert.equal(result.meta.confidenceInfo.level, 5);
  assert.deepEqual(result.meta.confidenceInfo.annotations, []);
  assert.deepEqual(result.meta.units, [{ name: '*', value: 'requests' }]);
  assert.equal(result.meta.dateRange.length, 1);
  const behind = Date.now() - Date.parse(result.meta.lastUpdated);
  assert.ok(behind >= 20 * 60e3 && behind < 36 * 60e3, `lastUpdated is ${behind} ms behind`);
});

test('every filter is accepted', async () => {
  const result = await security().timeseriesGroups.spoof({
    dateRange: ['1d'], arc: ['NONE'], dkim: ['PASS'], dmarc: ['PASS'], spf: ['PASS'], tlsVersion: ['TLSv1_3'],
  });
  checkSeries(result.serie_0, 97);
  assert.equal(result.meta.aggInterval, 'FIFTEEN_MINUTES');
});

test('two named series: a period and its control', async () => {
  const result = await security().timeseriesGroups.spoof({
    aggInterval: '1d', name: ['now', 'before'], dateRange: ['7d', '7dcontrol'], dmarc: ['FAIL', 'FAIL'],
  });
  checkSeries(result.now, 8);
  checkSeries(result.before, 8);
  const week = 7 * 24 * 3600e3;
  assert.equal(Date.parse(result.now.timestamps[0]) - Date.parse(result.before.timestamps[0]), week);
  assert.equal(result.meta.dateRange.length, 2);
});

test('absolute dates', async () => {
  const result = await security().timeseriesGroups.spoof({
    aggInterval: '1h', dateStart: ['2026-06-01T00:00:00Z'], dateEnd: ['2026-06-01T03:00:00.000Z'],
  });
  assert.deepEqual(result.serie_0.timestamps, [
    '2026-06-01T00:00:00Z', '2026-06-01T01:00:00Z', '2026-06-01T02:00:00Z', '2026-06-01T03:00:00Z',
  ]);
});

test('the newer call by dimension gives the same numbers', async () => {
  const query = {
    aggInterval: '1h', dateStart: ['2026-06-01T00:00:00Z'], dateEnd: ['2026-06-02T00:00:00Z'], spf: ['FAIL'],
  };
  const newer = await security().timeseriesGroupsV2('SPOOF', query);
  const older = await security().timeseriesGroups.spoof(query);
  assert.deepEqual(newer.serie_0, older.serie_0);
  checkSeries(newer.serie_0, 25);
});

test('the legacy key pair', async () => {
  const result = await security({ apiEmail: 'simulator@example.com', apiKey: 'simulator-key' })
    .timeseriesGroups.spoof({ dateRange: ['1d'] });
  checkSeries(result.serie_0, 97);
});

test('the last bucket, still filling, is the one lastUpdated falls into', async () => {
  const { serie_0, meta } = await security().timeseriesGroups.spoof({ aggInterval: '1w', dateRange: ['12w'] });
  const reached = Date.parse(meta.lastUpdated) - Date.parse(serie_0.timestamps.at(-1));
  assert.ok(reached >= 0 && reached < 7 * 24 * 3600e3);
});

const refused = async (call, errorClass, status, code) => {
  await assert.rejects(call, (error) => {
    assert.ok(error instanceof errorClass, `${error.constructor.name}: ${error.message}`);
    assert.equal(error.status, status);
    if (code) assert.equal(error.errors[0].code, code);
    return true;
  });
};

test('a wrong token is PermissionDeniedError', () =>
  refused(security({ apiToken: 'wrong' }).timeseriesGroups.spoof({ dateRange: ['1d'] }),
    Cloudflare.PermissionDeniedError, 403, 10000));

test('a bad parameter is BadRequestError', async () => {
  const call = (query) => security().timeseriesGroups.spoof(query);
  await refused(call({ dateRange: ['24h'] }), Cloudflare.BadRequestError, 400, 2001);
  await refused(call({ dateRange: ['52w'], aggInterval: '1d' }), Cloudflare.BadRequestError, 400, 2001);
  await refused(call({ dateRange: ['7d', '14d'] }), Cloudflare.BadRequestError, 400, 2001);
  await refused(call({ dateRange: Array(51).fill('1d') }), Cloudflare.UnprocessableEntityError, 422, 2002);
});

test('an unknown dimension is BadRequestError', () =>
  refused(security().timeseriesGroupsV2('SPOOFED', { dateRange: ['1d'] }), Cloudflare.BadRequestError, 400, 2001));

test('scenarios become the error classes of the SDK', async () => {
  const call = () => security().timeseriesGroups.spoof({ dateRange: ['1d'] });
  await scenario('rate-limited');
  await assert.rejects(call(), (error) => {
    assert.ok(error instanceof Cloudflare.RateLimitError);
    assert.equal(error.headers.get('retry-after'), '30');
    return true;
  });
  await scenario('outage');
  await refused(call(), Cloudflare.InternalServerError, 503);
  await scenario('unauthorized');
  await refused(call(), Cloudflare.PermissionDeniedError, 403, 10000);
  await scenario('calm');
  checkSeries((await call()).serie_0, 97);
});
