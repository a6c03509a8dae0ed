// vui-tts 1.2.2 and 1.2.3 were published without their visualizer.js, and without it the page stops at
// "Connecting...": this stands in for it, and shows nothing. See patches/server.py.
class VuiVoiceVisualizer {
    attachAssistantStream() {}
    attachMicStream() {}
    attachWebSocket() {}
    connect() {}
    setState() {}
}
