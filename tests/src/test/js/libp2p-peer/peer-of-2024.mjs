// js-libp2p as it was in 2024: streams of another kind inside, multistream-select that does not wait for answers ("lazy").
//
//   node peer-of-2024.mjs OPTIONS        OPTIONS is one JSON object, see `options` below
//
// How it is steered is said in lines.mjs.
import { createHash, randomBytes } from 'node:crypto'
import { gossipsub } from 'gossipsub-of-2024'
import { identify } from 'identify-of-2024'
import { kadDHT, passthroughMapper } from 'kad-dht-of-2024'
import { createLibp2p } from 'libp2p-of-2024'
import { multiaddr } from 'multiaddr-of-2024'
import { noise } from 'noise-of-2024'
import { ping } from 'ping-of-2024'
import { tcp } from 'tcp-of-2024'
import { tls } from 'tls-of-2024'
import { yamux } from 'yamux-of-2024'
import { base64, bytes, serve } from './lines.mjs'

const ECHO = '/ppiofs-test/echo/1.0.0'
const CHUNK = 64 * 1024

const options = {
  listen: ['/ip4/127.0.0.1/tcp/0'],
  security: ['noise'], // tls, noise
  kad: '/ppiofs-test/kad/1.0.0',
  ...JSON.parse(process.argv[2] ?? '{}')
}

const encrypters = { tls, noise }
const anyValue = { validators: { test: async () => {} }, selectors: { test: () => 0 } }
const node = await createLibp2p({
  addresses: { listen: options.listen },
  transports: [tcp()],
  connectionEncryption: options.security.map(name => encrypters[name]()),
  streamMuxers: [yamux()],
  services: {
    identify: identify(),
    ping: ping(),
    gossip: gossipsub({ allowPublishToZeroTopicPeers: true, scoreParams: { IPColocationFactorWeight: 0 } }),
    kad: kadDHT({ protocol: options.kad, clientMode: false, peerInfoMapper: passthroughMapper, ...anyValue })
  }
})

await node.handle(ECHO, ({ stream }) => { stream.sink(stream.source).catch(error => stream.abort(error)) })

const topics = new Map()
node.services.gossip.addEventListener('gossipsub:message', ({ detail: { msg } }) => {
  topics.get(msg.topic)?.push(base64(msg.data))
})

// The one connection that a test's peer has.
function connection () {
  return node.getConnections()[0]
}

async function collect (events, pick) {
  const found = []
  for await (const event of events) {
    const value = pick(event)
    if (value !== undefined) found.push(value)
  }
  return found
}

const commands = {
  dial: async command => {
    const made = await node.dial(multiaddr(command.addr))
    return { encryption: made.encryption, multiplexer: made.multiplexer, peer: made.remotePeer.toString() }
  },

  ping: async () => ({ millis: await node.services.ping.ping(connection().remotePeer) }),

  identify: async () => {
    const told = await node.services.identify.identify(connection())
    return { agent: told.agentVersion, protocols: told.protocols, signed: told.signedPeerRecord?.addresses.map(String) }
  },

  echo: async command => {
    const stream = await connection().newStream(ECHO)
    const sent = createHash('sha256')
    const received = createHash('sha256')
    const writing = stream.sink((async function * () {
      for (let left = command.size; left > 0; left -= CHUNK) {
        const block = randomBytes(Math.min(left, CHUNK))
        sent.update(block)
        yield block
      }
    })())
    let size = 0
    for await (const list of stream.source) {
      for (const part of list) received.update(part)
      size += list.byteLength
    }
    await writing
    return { equal: size === command.size && sent.digest('hex') === received.digest('hex') }
  },

  // DHT
  table: () => node.services.kad.routingTable.size,
  put: async command => collect(
    node.services.kad.put(bytes(command.key), bytes(command.value)),
    event => event.name === 'PEER_RESPONSE' && event.messageName === 'PUT_VALUE' ? event.from.toString() : undefined),
  get: async command => collect(
    node.services.kad.get(bytes(command.key)),
    event => event.name === 'VALUE' ? base64(event.value) : undefined),

  // Gossip
  subscribe: command => {
    topics.set(command.topic, [])
    node.services.gossip.subscribe(command.topic)
  },
  publish: async command => { await node.services.gossip.publish(command.topic, bytes(command.data)) },
  received: command => topics.get(command.topic)
}

process.on('unhandledRejection', error => process.stderr.write(`unhandled: ${error?.stack ?? error}\n`))

serve({ peer: node.peerId.toString(), addrs: node.getMultiaddrs().map(String) }, commands, () => node.stop())
