export const title = 'Version 1';

export const page = ({ version, style }) => `<!doctype html>
<html lang="en">
<title>${title}</title>
<style>
${style}</style>
<main>
  <p>Hello from</p>
  <h1>${version}</h1>
  <p>Push to git, and this page is what you pushed.</p>
</main>
</html>
`;
