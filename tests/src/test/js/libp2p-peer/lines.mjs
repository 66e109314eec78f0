// How a test steers a peer. Commands come as JSON lines on stdin: {"id": 1, "do": "ping", …}. Answers go to stdout, one JSON
// line each, in the order in which they are ready: {"id": 1, "ok": …} or {"id": 1, "error": "…"}. The first line is
// {"ready": {peer, addrs}}. The process ends with "stop" or when stdin ends, so it never outlives the test that started it.
// Binary values are base64.
import { createInterface } from 'node:readline'

export const bytes = text => Uint8Array.from(Buffer.from(text, 'base64'))
export const base64 = data => Buffer.from(data).toString('base64')

function reply (message) {
  process.stdout.write(`${JSON.stringify(message)}\n`)
}

// Says that the peer is ready, answers each line by the function of `commands` that it names, ends the process after `stop`.
export function serve (ready, commands, stop) {
  async function end () {
    await stop()
    process.exit(0)
  }

  async function answer (line) {
    const command = JSON.parse(line)
    if (command.do === 'stop') {
      reply({ id: command.id, ok: null })
      await end()
      return
    }
    try {
      if (!Object.hasOwn(commands, command.do)) throw new Error(`no command ${command.do}`)
      reply({ id: command.id, ok: await commands[command.do](command) ?? null })
    } catch (error) {
      reply({ id: command.id, error: `${error.name}: ${error.message}` })
    }
  }

  reply({ ready })
  const lines = createInterface({ input: process.stdin })
  lines.on('line', line => { answer(line) })
  lines.on('close', end)
}
