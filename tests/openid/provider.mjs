// One issuer of npm's certified `oidc-provider` on loopback that signs in whom it is told, without asking.
// usage: node provider.mjs <folder of oidc-provider> <port> ; prints "ready"; POST /control {account, clients, deny, rotate, keep} steers it.
import { createServer } from 'node:http';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { pathToFileURL } from 'node:url';

const [folder, port] = process.argv.slice(2);
const { default: Provider } = await import(pathToFileURL(`${folder}/lib/index.js`));
const issuer = `http://127.0.0.1:${port}`;
const cookieKeys = [randomBytes(16).toString('hex')];
const told = { account: { sub: 'nobody' }, clients: [], deny: false };
const accounts = new Map();
let keys = [];
let answer;

function newKey() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256', kid: randomBytes(8).toString('hex') };
}

function build() {
  const provider = new Provider(issuer, {
    clients: told.clients,
    jwks: { keys },
    cookies: { keys: cookieKeys },
    features: { devInteractions: { enabled: false }, revocation: { enabled: true } },
    pkce: { required: () => true },
    conformIdTokenClaims: false,
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'locale'], groups: ['groups'] },
    ttl: { AccessToken: 300, AuthorizationCode: 60, Grant: 3600, IdToken: 300, Interaction: 600, Session: 3600 },
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ ...accounts.get(id), sub: id }) }),
    async loadExistingGrant({ oidc }) {
      const grant = new oidc.provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId });
      grant.addOIDCScope('openid email profile groups');
      await grant.save();
      return grant;
    },
  });
  const callback = provider.callback();
  answer = async (request, response) => {
    if (!request.url.startsWith('/interaction/')) return callback(request, response);
    accounts.set(told.account.sub, told.account);
    const result = told.deny ? { error: 'access_denied', error_description: 'The person said no.' } : { login: { accountId: told.account.sub, remember: false } };
    return provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
  };
}

async function steer(request, response) {
  let body = '';
  for await (const part of request) body += part;
  const { rotate, keep, ...rest } = JSON.parse(body);
  Object.assign(told, rest);
  if (rotate) keys = [newKey(), ...(keep ? keys : [])];
  if (rotate || rest.clients) build();
  response.end('{}');
}

keys = [newKey()];
build();
createServer((request, response) => (request.url === '/control' ? steer : answer)(request, response))
  .listen(Number(port), '127.0.0.1', () => console.log('ready'));
