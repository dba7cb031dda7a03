// Reads [[text, width, mode, maxLines, maxBytes], ...] from stdin, answers with what the official
// SDK's text wrapper makes of each: [paragraphs of all lines, number of lines kept, cut].
// Usage: node official_wrap.mjs NODE_MODULES
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"

const file = join(process.argv[2], "@mentra/sdk/dist/display-utils.js")
const { TextMeasurer, TextWrapper, G1_PROFILE } = await import(pathToFileURL(file))
const wrapper = new TextWrapper(new TextMeasurer(G1_PROFILE))

const answers = JSON.parse(readFileSync(0, "utf8")).map(([text, maxWidthPx, breakMode, maxLines, maxBytes]) => {
  const options = { maxWidthPx, breakMode }
  const all = wrapper.wrap(text, { ...options, maxLines: Infinity, maxBytes: Infinity })
  const paragraphs = []
  all.lineMetrics.forEach((line, index) => {
    if (index === 0 || line.fromExplicitNewline) paragraphs.push([])
    paragraphs.at(-1).push(line.text)
  })
  const kept = wrapper.wrap(text, { ...options, maxLines, maxBytes })
  return [paragraphs, kept.lines.length, kept.truncated]
})
process.stdout.write(JSON.stringify(answers))
