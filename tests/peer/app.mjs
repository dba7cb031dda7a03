// An app on the official TypeScript SDK, @mentra/sdk: it answers its wearer and does as it is told.
//
// Usage: PACKAGE_NAME=... MENTRAOS_API_KEY=... node app.mjs, with node_modules beside it.
// Each thing that it notices is a line of stderr: "@", then [what, value] as JSON. The first of
// them is ["started", port].
import { AppServer } from "@mentra/sdk"

function report(what, value) {
  process.stderr.write(`@${JSON.stringify([what, value ?? null])}\n`)
}

// What the wearer can ask for: the words, and what is done. What comes back is shown and reported.
const REQUESTS = {
  async "take a photo"(session) {
    const photo = await session.camera.requestPhoto({ size: "large" })
    return { size: photo.size, type: photo.mimeType, start: photo.buffer.subarray(0, 3).toString("hex") }
  },
  async "where am i"(session) {
    const { lat, lng } = await session.location.getLatestLocation({ accuracy: "high" })
    return { lat, lng }
  },
  async "remember the milk"(session) {
    await session.simpleStorage.setMultiple({ item: "milk", shop: "corner" })
    await session.simpleStorage.flush()
    return await session.simpleStorage.keys()
  },
  async "what was it"(session) {
    return await session.simpleStorage.get("item")
  },
  async "forget it"(session) {
    return [await session.simpleStorage.delete("item"), await session.simpleStorage.getAllData()]
  },
  async "play a tune"(session) {
    return await session.audio.playAudio({ audioUrl: "https://example.com/tune.mp3" })
  },
  async "be quiet"(session) {
    session.audio.stopAudio()
  },
  async "blink"(session) {
    await session.led.blink("green", 200, 100, 3)
  },
  async "who is here"(session) {
    const cloud = session.getServerUrl().replace(/^ws/, "http").replace(/\/app-ws$/, "")
    return await session.discoverAppUsers(cloud)
  },
  async "tell ann"(session) {
    return await session.sendDirectMessage("ann@example.com", { text: "hi" })
  },
  async "tell everybody"(session) {
    await session.broadcastToAppUsers({ text: "hello all" })
  },
  async "set up wifi"(session) {
    session.requestWifiSetup("to stream")
  },
  async "go live"(session) {
    await session.camera.startStream({ rtmpUrl: "rtmp://example.com/live" })
  },
  async "stop the stream"(session) {
    await session.camera.stopStream()
  },
  async "broadcast this"(session) {
    return (await session.camera.startManagedStream()).hlsUrl
  },
  async "stop the broadcast"(session) {
    await session.camera.stopManagedStream()
    return await session.camera.checkExistingStream()
  },
  async "show a card"(session) {
    session.layouts.showReferenceCard("A title", "and a text", { durationMs: 60_000 })
  },
  async "show two texts"(session) {
    session.layouts.showDoubleTextWall("above", "below")
  },
  async "clear"(session) {
    session.layouts.clearView()
  },
  async "write on the dashboard"(session) {
    session.dashboard.content.write("two letters", ["main", "expanded"])
  },
  async "fetch the settings"(session) {
    await session.settings.fetch()
    return session.settings.get("greeting")
  },
}

class Companion extends AppServer {
  async onSession(session, sessionId, userId) {
    report("session", { sessionId, userId, model: session.capabilities?.modelName, greeting: session.settings.get("greeting") ?? null })
    this.listen(session)
    session.layouts.showTextWall("Hello from TypeScript")
  }

  listen(session) {
    const { events, settings } = session
    events.onTranscription((heard) => {
      if (heard.isFinal) this.answer(session, heard.text)
      else report("interim", heard.text)
    })
    events.onTranscriptionForLanguage("de-DE", (heard) => heard.isFinal && report("german", heard.text))
    events.onButtonPress((press) => session.layouts.showTextWall(`${press.buttonId} ${press.pressType}`))
    events.onHeadPosition((head) => report("head", head.position))
    events.onTouchEvent("double_tap", (touch) => report("touch", touch.gesture_name))
    events.onPhoneNotifications((note) => report("notification", [note.app, note.title]))
    events.onGlassesBattery((battery) => report("battery", battery.level))
    events.onVoiceActivity((activity) => report("voice", activity.status))
    events.onCalendarEvent((event) => report("calendar", event.title))
    events.onAudioChunk((chunk) => report("audio", chunk.arrayBuffer.byteLength))
    session.onGlassesConnectionState((state) => report("wifi", [state.wifi, session.isWifiConnected()]))
    session.location.subscribeToStream({ accuracy: "high" }, (place) => report("place", [place.lat, place.lng]))
    session.camera.onStreamStatus((status) => report("stream", status.status))
    settings.onValueChange("greeting", (now, before) => report("greeting", [now, before]))
    settings.onMentraosChange("metricSystemEnabled", (now) => report("metric", now))
    session.dashboard.content.onModeChange((mode) => report("mode", mode))
    events.onCapabilitiesUpdate((update) => report("model", update.modelName))
    events.onPermissionError((error) => report("permissions", error.details.map((one) => one.stream)))
    events.onDisconnected((loss) => report("disconnected", [loss.code, String(loss.reason)]))
    events.onConnected(() => report("connected"))
    events.onError((error) => report("error", error.message))
    session.onAppMessage((message) => report("message", [message.senderUserId, message.payload]))
  }

  async answer(session, text) {
    report("heard", text)
    const words = text.toLowerCase().replace(/[.?!]$/, "")
    const request = Object.hasOwn(REQUESTS, words) ? REQUESTS[words] : null
    try {
      if (request) {
        report(words, await request(session))
        return
      }
      session.layouts.showTextWall(`You said: ${text}`)
      report("spoken", await session.audio.speak(`You said: ${text}`))
    } catch (error) {
      report("failed", error.message ?? String(error))
    }
  }

  async onToolCall(call) {
    if (call.toolId === "fail") throw new Error("That went wrong")
    call.activeSession?.layouts.showTextWall(`Tool: ${call.toolParameters.item}`)
    return `added ${call.toolParameters.item} for ${call.userId}`
  }

  async onStop(sessionId, userId, reason) {
    report("stop", [sessionId, reason])
    await super.onStop(sessionId, userId, reason)
  }
}

const app = new Companion({
  packageName: process.env.PACKAGE_NAME,
  apiKey: process.env.MENTRAOS_API_KEY,
  port: 0,
})
const express = app.getExpressApp()
express.get("/whoami", (request, response) => {
  response.json({ userId: request.authUserId ?? null, running: Boolean(request.activeSession) })
})
// The SDK does not tell which free port it got.
const listen = express.listen.bind(express)
express.listen = (...options) => {
  const server = listen(...options)
  server.once("listening", () => report("started", server.address().port))
  return server
}
await app.start()
