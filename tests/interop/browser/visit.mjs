// SPDX-License-Identifier: MIT
// Chromium, driven as people drive it: through one proxy, to one page, until its heading reads as expected.
//
//   node visit.mjs MODULES CHROMIUM '{"proxy": {...}, "args": [...], "url": "...", "heading": "..."}'
//
// Prints the heading and the names of all that the page fetched, as JSON.
import { createRequire } from "node:module";

const [modules, executablePath, story] = process.argv.slice(2);
const { chromium } = createRequire(`${modules}/`)("playwright-core");
const { proxy, args, url, heading } = JSON.parse(story);

const browser = await chromium.launch({
    executablePath, proxy: proxy ?? undefined, chromiumSandbox: false,
    args: ["--disable-gpu", "--disable-quic", "--disable-component-update", "--disable-dev-shm-usage", ...(args ?? [])],
});
try {
    const page = await browser.newPage();
    const fetched = [];
    page.on("requestfinished", (request) => fetched.push(request.url()));
    page.on("requestfailed", (request) => fetched.push(`failed: ${request.url()} ${request.failure()?.errorText}`));
    const response = await page.goto(url, { timeout: 30000 });
    const element = page.locator("#proof");
    if (response?.ok() && heading) {
        await element.filter({ hasText: heading }).waitFor({ timeout: 30000 });
    }
    const read = response?.ok() ? await element.textContent({ timeout: 10000 }) : null;
    console.log(JSON.stringify({ status: response?.status(), heading: read, fetched }));
} finally {
    await browser.close();
}
