// Tests are compiled with the sources (tsc) and run from dist.
export default {
  files: ['dist/test/**/*.test.js'],
  timeout: '120s',
  concurrency: 2,
};
