// One js-libp2p node that a test steers.
//
//   node peer.mjs OPTIONS        OPTIONS is one JSON object, see `options` below
//
// How it is steered is said in lines.mjs.
import { createHash, createCipheriv, randomBytes } from 'node:crypto'
import { quic } from '@chainsafe/libp2p-quic'
import { autoNAT } from '@libp2p/autonat'
import { autoNATv2 } from '@libp2p/autonat-v2'
import { bootstrap } from '@libp2p/bootstrap'
import { circuitRelayServer, circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { generateKeyPair, generateKeyPairFromSeed, publicKeyToProtobuf } from '@libp2p/crypto/keys'
import { dcutr } from '@libp2p/dcutr'
import { gossipsub } from '@libp2p/gossipsub'
import { identify, identifyPush } from '@libp2p/identify'
import { kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import { mdns } from '@libp2p/mdns'
import { noise } from '@libp2p/noise'
import { peerIdFromPublicKey, peerIdFromString } from '@libp2p/peer-id'
import { RecordEnvelope } from '@libp2p/peer-record'
import { ping } from '@libp2p/ping'
import { preSharedKey } from '@libp2p/pnet'
import { tcp } from '@libp2p/tcp'
import { tls } from '@libp2p/tls'
import { byteStream } from '@libp2p/utils'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { CID } from 'multiformats/cid'
import * as raw from 'multiformats/codecs/raw'
import { sha256 } from 'multiformats/hashes/sha2'
import { base64, bytes, serve } from './lines.mjs'

const ECHO = '/ppiofs-test/echo/1.0.0'
const CHUNK = 64 * 1024

const options = {
  seed: null, // 32 bytes in base64 make the Ed25519 key; none: a random one
  keyType: 'Ed25519', // of a random key: Ed25519, secp256k1, RSA
  listen: ['/ip4/127.0.0.1/tcp/0'],
  announce: [], // addresses to tell others instead of the ones listened on
  transports: ['tcp'], // tcp, quic, circuit
  security: ['tls', 'noise'], // in the order in which they are offered
  kad: null, // { protocol, mode: 'server' | 'client', namespaces: ['name', …] }
  gossip: null, // { msgId: 'spec' | 'js', heartbeat: milliseconds, more: passed on as it is }
  relay: null, // { maxReservations, ttlMillis, durationMillis, dataBytes, unlimited: boolean }
  dcutr: false,
  autonat: false, // version 1
  autonatV2: false,
  mdns: null, // { interval: milliseconds, serviceTag }
  bootstrap: [], // multiaddrs with peer ids
  psk: null, // text of a swarm key file
  limits: {}, // passed on to the connection manager
  ...JSON.parse(process.argv[2] ?? '{}')
}

// --- the node ---------------------------------------------------------------------------------------------------------

function transports () {
  const known = { tcp, quic, circuit: () => circuitRelayTransport({ reservationCompletionTimeout: 10_000 }) }
  return options.transports.map(name => known[name]())
}

// Any value is good unless it begins with "invalid"; the greatest one, byte by byte, wins.
function kadService ({ protocol, mode, namespaces = [] }) {
  const validator = async (key, value) => {
    if (Buffer.from(value).toString('latin1').startsWith('invalid')) {
      throw new Error('invalid value')
    }
  }
  const selector = (key, records) => records.reduce(
    (best, record, index) => Buffer.compare(Buffer.from(record), Buffer.from(records[best])) > 0 ? index : best, 0)
  return kadDHT({
    protocol,
    clientMode: mode === 'client',
    peerInfoMapper: passthroughMapper,
    allowQueryWithZeroPeers: false,
    initialQuerySelfInterval: 100,
    validators: Object.fromEntries(namespaces.map(name => [name, validator])),
    selectors: Object.fromEntries(namespaces.map(name => [name, selector]))
  })
}

// The specification's message id: author's peer id, then sequence number. js-libp2p's own default has the public key there.
function specificationMessageId (message) {
  const sequence = Buffer.alloc(8)
  sequence.writeBigUInt64BE(message.sequenceNumber)
  return Uint8Array.from(Buffer.concat([message.from.toMultihash().bytes, sequence]))
}

function gossipService ({ msgId = 'spec', heartbeat = 1000, more = {} }) {
  return gossipsub({
    allowPublishToZeroTopicPeers: true,
    heartbeatInterval: heartbeat,
    // all nodes of a test share the loopback address
    scoreParams: { IPColocationFactorWeight: 0 },
    ...(msgId === 'spec' ? { msgIdFn: specificationMessageId } : {}),
    ...more
  })
}

function relayService ({ maxReservations = 15, ttlMillis = 3_600_000, durationMillis = 120_000, dataBytes = 131_072, unlimited = false }) {
  return circuitRelayServer({
    reservations: {
      maxReservations,
      reservationTtl: ttlMillis,
      applyDefaultLimit: !unlimited,
      defaultDurationLimit: durationMillis,
      defaultDataLimit: BigInt(dataBytes)
    }
  })
}

function services () {
  const list = { identify: identify(), identifyPush: identifyPush(), ping: ping() }
  if (options.kad) list.kad = kadService(options.kad)
  if (options.gossip) list.gossip = gossipService(options.gossip)
  if (options.relay) list.relay = relayService(options.relay)
  if (options.dcutr) list.dcutr = dcutr()
  if (options.autonat) list.autonat = autoNAT()
  if (options.autonatV2) list.autonatV2 = autoNATv2()
  return list
}

function discovery () {
  const list = []
  if (options.mdns) list.push(mdns(options.mdns))
  if (options.bootstrap.length) list.push(bootstrap({ list: options.bootstrap, timeout: 100 }))
  return list
}

const encrypters = { tls, noise }
const node = await createLibp2p({
  privateKey: options.seed ? await generateKeyPairFromSeed('Ed25519', bytes(options.seed)) : await generateKeyPair(options.keyType),
  addresses: { listen: options.listen, announce: options.announce },
  transports: transports(),
  connectionEncrypters: options.security.map(name => encrypters[name]()),
  streamMuxers: [yamux()],
  // all peers of a test share the loopback address, from which js-libp2p takes five connections per second
  connectionManager: { inboundConnectionThreshold: 1000, maxIncomingPendingConnections: 100, ...options.limits },
  services: services(),
  peerDiscovery: discovery(),
  ...(options.psk ? { connectionProtector: preSharedKey({ psk: Buffer.from(options.psk) }) } : {})
})

// --- echo -------------------------------------------------------------------------------------------------------------

// What arrives on `stream` goes to `take`, which may be slow: meanwhile the stream is paused, so that the window closes.
// Resolves at the remote's end of writing.
function drain (stream, take) {
  return new Promise((resolve, reject) => {
    let work = Promise.resolve()
    stream.addEventListener('message', event => {
      stream.pause()
      work = work.then(() => take(event.data)).then(() => {
        if (stream.readStatus === 'paused') stream.resume()
      })
      work.catch(reject)
    })
    stream.addEventListener('end', () => work.then(resolve, reject))
    stream.addEventListener('close', event => {
      if (event.error) reject(event.error)
    })
  })
}

async function write (stream, data) {
  if (!stream.send(data)) await stream.onDrain()
}

async function serveEcho (stream) {
  try {
    await drain(stream, data => write(stream, data))
    await stream.close()
  } catch (error) {
    stream.abort(error)
  }
}

await node.handle(ECHO, serveEcho, { runOnLimitedConnection: true, maxInboundStreams: 1000, maxOutboundStreams: 1000 })

// The open connection to a peer, or a new one: js-libp2p by itself would dial anew beside a relayed one.
async function connect (command) {
  const [open] = command.peer ? node.getConnections(peerIdFromString(command.peer)) : []
  return open ?? node.dial(target(command))
}

// Sends `size` bytes that do not compress and repeat, reads them back, compares.
async function echo ({ peer, addr, size, protocol = ECHO, seed = 'echo' }) {
  const connection = await connect({ peer, addr })
  const stream = await connection.newStream([protocol], { runOnLimitedConnection: true })
  const started = performance.now()
  const sent = createHash('sha256')
  const received = createHash('sha256')
  let count = 0
  const reading = drain(stream, data => {
    for (const part of data) received.update(part)
    count += data.byteLength
  })
  reading.catch(() => {})
  const source = createCipheriv('aes-128-ctr', createHash('md5').update(seed).digest(), Buffer.alloc(16))
  for (let left = size; left > 0; left -= CHUNK) {
    const chunk = source.update(Buffer.alloc(Math.min(left, CHUNK)))
    sent.update(chunk)
    await write(stream, Uint8Array.from(chunk))
  }
  await stream.close()
  await reading
  return {
    size: count,
    equal: count === size && sent.digest('hex') === received.digest('hex'),
    millis: performance.now() - started,
    limited: connection.limits != null,
    remote: connection.remoteAddr.toString()
  }
}

// --- what the test can ask --------------------------------------------------------------------------------------------

const topics = new Map()
const discovered = new Map()
node.addEventListener('peer:discovery', event => {
  discovered.set(event.detail.id.toString(), event.detail.multiaddrs.map(String))
})
node.services.gossip?.addEventListener('gossipsub:message', ({ detail: { msg } }) => {
  topics.get(msg.topic)?.push({ from: msg.from?.toString(), data: base64(msg.data) })
})

function describe (connection) {
  return {
    peer: connection.remotePeer.toString(),
    remote: connection.remoteAddr.toString(),
    direction: connection.direction,
    encryption: connection.encryption,
    multiplexer: connection.multiplexer,
    status: connection.status,
    limited: connection.limits != null,
    relayed: connection.remoteAddr.toString().includes('/p2p-circuit'),
    streams: connection.streams.map(({ id, protocol, direction, status }) => ({ id, protocol, direction, status }))
  }
}

const target = command => command.addr ? multiaddr(command.addr) : peerIdFromString(command.peer)
const describePeer = ({ id, multiaddrs }) => ({ peer: id.toString(), addrs: multiaddrs.map(String) })
const cid = async text => CID.createV1(raw.code, await sha256.digest(bytes(text)))

// Runs a query of the DHT to its end; `pick` takes from its events what is asked for.
async function query (events, pick) {
  const found = []
  const errors = []
  let messages = 0
  for await (const event of events) {
    if (event.name === 'SEND_QUERY') messages++
    if (event.name === 'QUERY_ERROR') errors.push(`${event.from}: ${event.error.message}`)
    const value = pick(event)
    if (value !== undefined) found.push(value)
  }
  return { found, messages, errors }
}

const commands = {
  addrs: () => ({ peer: node.peerId.toString(), addrs: node.getMultiaddrs().map(String) }),

  dial: async command => describe(await node.dial(target(command), { force: command.force ?? false })),

  hangUp: async command => { await node.hangUp(peerIdFromString(command.peer)) },

  ping: async command => ({ millis: await node.services.ping.ping(target(command)) }),

  // What identify has told about a peer.
  peer: async command => {
    const peer = await node.peerStore.get(peerIdFromString(command.peer))
    const text = name => Buffer.from(peer.metadata.get(name) ?? '').toString()
    return {
      peer: peer.id.toString(),
      addrs: peer.addresses.map(({ multiaddr, isCertified }) => ({ addr: multiaddr.toString(), certified: isCertified })),
      protocols: peer.protocols,
      publicKey: peer.id.publicKey && base64(publicKeyToProtobuf(peer.id.publicKey)),
      agent: text('AgentVersion'),
      version: text('ProtocolVersion'),
      signedRecord: peer.peerRecordEnvelope != null
    }
  },

  // Asks identify again, on an open connection.
  identify: async command => {
    const [connection] = node.getConnections(peerIdFromString(command.peer))
    const result = await node.services.identify.identify(connection)
    return {
      observed: result.observedAddr?.toString(),
      listen: result.listenAddrs.map(String),
      protocols: result.protocols,
      agent: result.agentVersion,
      version: result.protocolVersion,
      signed: result.signedPeerRecord?.addresses.map(String),
      sequence: result.signedPeerRecord?.seq.toString()
    }
  },

  connections: command => node.getConnections(command.peer && peerIdFromString(command.peer)).map(describe),

  protocols: () => node.getProtocols(),

  echo,

  // Serves one more protocol, which others hear of by identify push.
  handle: async command => { await node.handle(command.protocol, serveEcho) },

  // Opens a stream for `protocol` and leaves it idle; tells what was agreed.
  open: async command => {
    const connection = await connect(command)
    const stream = await connection.newStream(command.protocols, { runOnLimitedConnection: true })
    return { protocol: stream.protocol, id: stream.id }
  },

  // Sends `data` on a new stream, ends writing, reads to the end.
  request: async command => {
    const connection = await connect(command)
    const stream = await connection.newStream([command.protocol], { runOnLimitedConnection: true })
    const parts = []
    const reading = drain(stream, data => { parts.push(Buffer.from(data.subarray())) })
    reading.catch(() => {})
    await write(stream, bytes(command.data))
    await stream.close()
    await reading
    return { data: base64(Buffer.concat(parts)) }
  },

  // Sends `count` pings on one stream, each after the answer to the last; tells how many answers were right.
  pings: async command => {
    const connection = await connect(command)
    const stream = await connection.newStream(['/ipfs/ping/1.0.0'])
    const answers = byteStream(stream)
    let right = 0
    for (let i = 0; i < command.count; i++) {
      const sent = randomBytes(32)
      await answers.write(Uint8Array.from(sent))
      const answer = await answers.read({ bytes: sent.length })
      if (sent.equals(Buffer.from(answer.subarray()))) right++
    }
    await stream.close()
    return { right }
  },

  // Opens a signed envelope (specification "RFC 0002"); an error if the signature is wrong.
  envelope: async command => {
    const envelope = await RecordEnvelope.openAndCertify(bytes(command.envelope), command.domain)
    return {
      signer: peerIdFromPublicKey(envelope.publicKey).toString(),
      type: base64(envelope.payloadType),
      payload: base64(envelope.payload)
    }
  },

  discovered: () => Object.fromEntries(discovered),

  // DHT
  table: () => node.services.kad.routingTable.closestPeers(new Uint8Array(32), { count: 1000 }).map(String),
  refresh: async () => { await node.services.kad.refreshRoutingTable() },
  findPeer: command => query(
    node.services.kad.findPeer(peerIdFromString(command.peer), { useCache: command.cache ?? false }),
    event => event.name === 'FINAL_PEER' ? describePeer(event.peer) : undefined),
  closest: command => query(
    node.services.kad.getClosestPeers(bytes(command.key)),
    event => event.name === 'FINAL_PEER' ? event.peer.id.toString() : undefined),
  put: command => query(
    node.services.kad.put(bytes(command.key), bytes(command.value)),
    event => event.name === 'PEER_RESPONSE' && event.messageName === 'PUT_VALUE' ? event.from.toString() : undefined),
  get: command => query(
    node.services.kad.get(bytes(command.key)),
    event => event.name === 'VALUE' ? { from: event.from.toString(), value: base64(event.value) } : undefined),
  // The CID is the raw one of the sha2-256 of `data`.
  provide: async command => query(
    node.services.kad.provide(await cid(command.data)),
    event => event.name === 'PEER_RESPONSE' && event.messageName === 'ADD_PROVIDER' ? event.from.toString() : undefined),
  findProviders: async command => {
    const result = await query(
      node.services.kad.findProviders(await cid(command.data)),
      event => event.name === 'PROVIDER' ? event.providers.map(describePeer) : undefined)
    return { ...result, found: result.found.flat() }
  },

  // Gossip
  subscribe: command => {
    topics.set(command.topic, [])
    node.services.gossip.subscribe(command.topic)
  },
  unsubscribe: command => { node.services.gossip.unsubscribe(command.topic) },
  publish: async command => {
    const { recipients } = await node.services.gossip.publish(command.topic, bytes(command.data))
    return { recipients: recipients.map(String) }
  },
  received: command => topics.get(command.topic),
  mesh: command => ({
    mesh: node.services.gossip.getMeshPeers(command.topic),
    subscribers: node.services.gossip.getSubscribers(command.topic).map(String),
    scores: node.services.gossip.getPeers().map(id => [id.toString(), node.services.gossip.score.score(id.toString())])
  }),

  // Relay: reserves a place at the relay whose address is given.
  reserve: async command => {
    await node.components.transportManager.listen([multiaddr(command.addr).encapsulate('/p2p-circuit')])
    return commands.addrs()
  },
  reservations: () => [...node.services.relay.reservations.keys()].map(String)
}

// ----------------------------------------------------------------------------------------------------------------------

// a stream that the other side resets must not end the process, but the test shall see it
process.on('unhandledRejection', error => process.stderr.write(`unhandled: ${error?.stack ?? error}\n`))

serve(commands.addrs(), commands, () => node.stop())
