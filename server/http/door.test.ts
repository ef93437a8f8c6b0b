/** Who is speaking, and from where: addresses and origins. */
import { expect, test } from 'vitest';
import { clientAddress, isLoopback, plainAddress } from './address.ts';
import { changesSomething, fromOurOwnPages } from './origin.ts';

test('addresses are written one way', () => {
  expect(plainAddress('127.0.0.1')).toBe('127.0.0.1');
  expect(plainAddress('0000:0000:0000:0000:0000:ffff:0a00:0102')).toBe('10.0.1.2');
  expect(isLoopback('127.0.0.1')).toBe(true);
  expect(isLoopback('0000:0000:0000:0000:0000:0000:0000:0001')).toBe(true);
  expect(isLoopback('10.0.0.1')).toBe(false);
  expect(isLoopback('1270.0.0.1')).toBe(false);
});

test('a proxy of our own is believed, and only its own word', () => {
  expect(clientAddress('127.0.0.1', '6.6.6.6')).toBe('6.6.6.6');
  expect(clientAddress('172.18.0.2', 'a lie, 6.6.6.6')).toBe('6.6.6.6');
  expect(clientAddress('6.6.6.6', '1.1.1.1')).toBe('6.6.6.6');
  expect(clientAddress('127.0.0.1', 'not an address')).toBe('127.0.0.1');
  expect(clientAddress('127.0.0.1', '')).toBe('127.0.0.1');
});

test('[H2] an origin is ours when it is configured so, or else when it names the host that was asked', () => {
  expect(fromOurOwnPages('', 'chat.example.org', null)).toBe(true);
  expect(fromOurOwnPages('http://localhost:3000', 'localhost:3000', null)).toBe(true);
  expect(fromOurOwnPages('https://chat.example.org', 'chat.example.org', null)).toBe(true);
  expect(fromOurOwnPages('http://localhost:3001', 'localhost:3000', null)).toBe(false);
  expect(fromOurOwnPages('null', 'localhost:3000', null)).toBe(false);
  expect(fromOurOwnPages('null', '', null)).toBe(false);
  expect(fromOurOwnPages('file:///x', '', null)).toBe(false);
  expect(fromOurOwnPages('https://chat.example.org', 'inside:3000', 'https://chat.example.org')).toBe(true);
  expect(fromOurOwnPages('http://inside:3000', 'inside:3000', 'https://chat.example.org')).toBe(false);
  expect(['GET', 'HEAD', 'OPTIONS', 'POST', 'DELETE', 'FOO'].map(changesSomething)).toEqual([
    false,
    false,
    false,
    true,
    true,
    true,
  ]);
});
