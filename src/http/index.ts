export { createHttp, type Http, type HttpDeps } from './server.ts';
export { createTokens, type Speaker, type Tokens } from './tokens.ts';
