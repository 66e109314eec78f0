// The smoldot light client (Rust) as a peer: it dials, never listens, and knows one libp2p node, whose address is given.
//
//   node smoldot.mjs OPTIONS        OPTIONS is {"boot": MULTIADDR WITH PEER ID}
//
// How it is steered is said in lines.mjs. The chain is a public test network of which nothing but the names of protocols
// matters here: no other address than the given one is in the chain's specification, so it dials nobody else but the peers
// that it hears of from there.
import { chainSpec } from '@substrate/connect-known-chains/westend2'
import { start } from 'smoldot'
import { serve } from './lines.mjs'

const options = JSON.parse(process.argv[2] ?? '{}')
const events = []

// A line of its log is "name; key=value, key=value".
function heard (level, target, text) {
  const [name, values = ''] = text.split('; ')
  const event = { name, target, text }
  for (const [, key, value] of values.matchAll(/(\w+)=([^,]+)/g)) event[key] = value
  if (target === 'network') events.push(event)
}

const client = start({ maxLogLevel: 4, logCallback: heard })
const specification = { ...JSON.parse(chainSpec), bootNodes: [options.boot], telemetryEndpoints: null }
await client.addChain({ chainSpec: JSON.stringify(specification) })

const commands = {
  // what its network layer has logged, of one name or all
  events: command => events.filter(event => command.name == null || event.name === command.name)
}

serve({ peer: null, addrs: [] }, commands, () => client.terminate())
