import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { chromium } from 'playwright-core';

const executablePath = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';

/** Why browser tests cannot run here; `false` when they can. Pass it as a test's `skip`. */
export const whyNoBrowser: string | false = existsSync(executablePath)
  ? false
  : `no browser at ${executablePath}; install Debian's chromium or set CHROMIUM_PATH`;

// Without a sandbox because tests run as root in containers; the rest keeps the browser from calling home.
const args = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** A headless Chromium; who launches it closes it. */
export function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath, args });
}

/** Opens `url` and collects everything that the page complains about. */
export async function openPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<{ page: Page; complaints: string[] }> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  await page.goto(url);
  return { page, complaints };
}

/**
 * Whether an expression holds in the page within so many pictures. Playwright's own waiting evaluates text inside the
 * page, which the page's content security policy forbids.
 */
export async function holdsSoon(page: Page, expression: string, maxPictures = 60): Promise<boolean> {
  for (let picture = 0; picture < maxPictures; picture++) {
    if (await page.evaluate(expression)) return true;
    await page.evaluate('new Promise((resolve) => requestAnimationFrame(resolve))');
  }
  return false;
}

/** Waits until an expression holds in the page. */
export async function until(page: Page, expression: string): Promise<void> {
  assert.ok(await holdsSoon(page, expression, 300), `never true: ${expression}`);
}
