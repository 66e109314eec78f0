// Writes messages as js-libp2p encodes them into the folder that is given, one file each: seeds and golden files of the
// overlay's decoders (overlay/src/test/resources/js-libp2p). Keys are fixed; signatures with Ed25519 are, too. The certificate
// is new at each run.
//
//   node goldens.mjs FOLDER
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { generateKeyPairFromSeed, publicKeyToProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { CID } from 'multiformats/cid'
import { sha256 } from 'multiformats/hashes/sha2'

const module = async (name, file) => import(new URL(`node_modules/@libp2p/${name}/dist/src/${file}`, import.meta.url))
const { Message: Kad } = await module('kad-dht', 'message/dht.js')
const { Libp2pRecord } = await module('record', 'index.js')
const { RPC } = await module('gossipsub', 'message/rpc.js')
const { Identify } = await module('identify', 'pb/message.js')
const { HopMessage, StopMessage } = await module('circuit-relay-v2', 'pb/index.js')
const { ReservationVoucherRecord } = await module('circuit-relay-v2', 'server/reservation-voucher.js')
const { HolePunch } = await module('dcutr', 'pb/message.js')
const { Message: AutoNat } = await module('autonat', 'pb/index.js')
const { NoiseHandshakePayload } = await module('noise', 'proto/payload.js')
const { RecordEnvelope, PeerRecord } = await module('peer-record', 'index.js')
const { generateCertificate } = await module('tls', 'utils.js')

const folder = process.argv[2]
mkdirSync(folder, { recursive: true })
const text = value => new TextEncoder().encode(value)
const write = (name, data) => writeFileSync(join(folder, name), data.subarray())

const key = await generateKeyPairFromSeed('Ed25519', new Uint8Array(32).fill(1))
const other = await generateKeyPairFromSeed('Ed25519', new Uint8Array(32).fill(2))
const me = peerIdFromPrivateKey(key)
const they = peerIdFromPrivateKey(other)
const addresses = ['/ip4/192.0.2.7/tcp/4001', '/ip6/2001:db8::1/udp/4001/quic-v1', `/dns4/relay.example/tcp/443/p2p/${they}/p2p-circuit`]
  .map(address => multiaddr(address))
const place = { id: they.toMultihash().bytes, multiaddrs: addresses.map(address => address.bytes) }

write('key', privateKeyToProtobuf(key))
write('public-key', publicKeyToProtobuf(key.publicKey))

const record = new PeerRecord({ peerId: me, multiaddrs: addresses, seqNumber: 7n })
const envelope = await RecordEnvelope.seal(record, key)
write('peer-record', envelope.marshal())

write('identify', Identify.encode({
  protocolVersion: 'ipfs/0.1.0',
  agentVersion: 'js-libp2p/3.3.11',
  publicKey: publicKeyToProtobuf(key.publicKey),
  listenAddrs: addresses.map(address => address.bytes),
  observedAddr: multiaddr('/ip4/198.51.100.9/tcp/54321').bytes,
  protocols: ['/ipfs/id/1.0.0', '/ipfs/ping/1.0.0'],
  signedPeerRecord: envelope.marshal()
}))

const name = text('/test/name')
const value = new Libp2pRecord(name, text('value'), new Date(Date.UTC(2026, 10, 20, 12))).serialize()
const target = CID.createV0(await sha256.digest(text('block'))).multihash.bytes
const empty = { closer: [], providers: [] }
write('kad-put', Kad.encode({ ...empty, type: 'PUT_VALUE', key: name, record: value }))
write('kad-get', Kad.encode({ ...empty, type: 'GET_VALUE', key: name }))
write('kad-get-answer', Kad.encode({ ...empty, type: 'GET_VALUE', key: name, record: value, closer: [place] }))
write('kad-add-provider', Kad.encode({ ...empty, type: 'ADD_PROVIDER', key: target, providers: [place] }))
write('kad-get-providers', Kad.encode({ ...empty, type: 'GET_PROVIDERS', key: target }))
write('kad-get-providers-answer', Kad.encode({ type: 'GET_PROVIDERS', key: target, closer: [place], providers: [place] }))
write('kad-find-node', Kad.encode({ ...empty, type: 'FIND_NODE', key: they.toMultihash().bytes }))
write('kad-find-node-answer', Kad.encode({ type: 'FIND_NODE', closer: [place, { ...place, id: me.toMultihash().bytes }], providers: [] }))
write('kad-ping', Kad.encode({ ...empty, type: 'PING' }))

const unsigned = { from: me.toMultihash().bytes, data: text('hello'), seqno: Uint8Array.from([0, 0, 0, 0, 0, 0, 0, 9]), topic: 'news' }
const signature = await key.sign(Uint8Array.from([...text('libp2p-pubsub:'), ...RPC.Message.encode(unsigned)]))
const message = { ...unsigned, signature, key: publicKeyToProtobuf(key.publicKey) }
const rpc = { subscriptions: [], messages: [] }
write('gossip-subscribe', RPC.encode({ ...rpc, subscriptions: [{ subscribe: true, topic: 'news' }, { subscribe: false, topic: 'old' }] }))
write('gossip-publish', RPC.encode({ ...rpc, messages: [message] }))
write('gossip-publish-without-key', RPC.encode({ ...rpc, messages: [{ ...message, key: undefined }] }))
write('gossip-control', RPC.encode({
  ...rpc,
  control: {
    ihave: [{ topicID: 'news', messageIDs: [text('one'), text('two')] }],
    iwant: [{ messageIDs: [text('three')] }],
    graft: [{ topicID: 'news' }],
    prune: [{ topicID: 'old', peers: [{ peerID: they.toMultihash().bytes, signedPeerRecord: envelope.marshal() }], backoff: 60 }],
    idontwant: [{ messageIDs: [text('four')] }]
  }
}))

const expire = 1_800_000_000n
const voucher = await RecordEnvelope.seal(new ReservationVoucherRecord({ relay: me, peer: they, expiration: expire }), key)
const reservation = {
  expire,
  addrs: addresses.slice(0, 2).map(address => address.encapsulate(`/p2p/${me}`).bytes),
  voucher: {
    publicKey: publicKeyToProtobuf(key.publicKey),
    payloadType: voucher.payloadType,
    payload: { relay: me.toMultihash().bytes, peer: they.toMultihash().bytes, expiration: expire },
    signature: voucher.signature
  }
}
const limit = { duration: 120, data: 131072n }
const peer = { id: they.toMultihash().bytes, addrs: [] }
write('hop-reserve', HopMessage.encode({ type: HopMessage.Type.RESERVE }))
write('hop-reserved', HopMessage.encode({ type: HopMessage.Type.STATUS, status: 'OK', reservation, limit }))
write('hop-connect', HopMessage.encode({ type: HopMessage.Type.CONNECT, peer }))
write('hop-refused', HopMessage.encode({ type: HopMessage.Type.STATUS, status: 'NO_RESERVATION' }))
write('stop-connect', StopMessage.encode({ type: StopMessage.Type.CONNECT, peer, limit }))
write('stop-status', StopMessage.encode({ type: StopMessage.Type.STATUS, status: 'OK' }))

write('dcutr-connect', HolePunch.encode({ type: HolePunch.Type.CONNECT, observedAddresses: addresses.map(address => address.bytes) }))
write('dcutr-sync', HolePunch.encode({ type: HolePunch.Type.SYNC, observedAddresses: [] }))

write('autonat-dial', AutoNat.encode({ type: 'DIAL', dial: { peer: { id: me.toMultihash().bytes, addrs: addresses.map(address => address.bytes) } } }))
write('autonat-response', AutoNat.encode({ type: 'DIAL_RESPONSE', dialResponse: { status: 'E_DIAL_ERROR', statusText: 'no', addr: addresses[0].bytes } }))

const staticKey = new Uint8Array(32).fill(3)
write('noise-payload', NoiseHandshakePayload.encode({
  identityKey: publicKeyToProtobuf(key.publicKey),
  identitySig: await key.sign(Uint8Array.from([...text('noise-libp2p-static-key:'), ...staticKey])),
  extensions: { webtransportCerthashes: [], streamMuxers: ['/yamux/1.0.0'] }
}))

const pem = (await generateCertificate(key)).cert
write('certificate', Buffer.from(pem.replaceAll(/-----.*?-----|\s/g, ''), 'base64'))
