package io.ppiofs.node.control;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** One end of a control connection: lines of JSON with a bounded length. Not thread-safe, but close may come any time. */
public final class Wire implements AutoCloseable {
    /** Version of the protocol; a node and a command of different versions do not talk. */
    public static final int VERSION = 1;

    /** Longest request line, bytes. */
    public static final int MAX_REQUEST = 64 * 1024;

    /** Longest answer line, bytes; a list of very many volumes is the longest there is. */
    public static final int MAX_REPLY = 8 * 1024 * 1024;

    private final SocketChannel channel;
    private final int maxLine;
    private final ByteBuffer in = ByteBuffer.allocate(8192).limit(0);

    /** @param maxLine longest line that {@link #receive} takes, bytes */
    public Wire(SocketChannel channel, int maxLine) {
        this.channel = channel;
        this.maxLine = maxLine;
    }

    public void send(Map<String, ?> message) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap((Json.line(message) + "\n").getBytes(StandardCharsets.UTF_8));
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    /**
     * Waits for the next message.
     *
     * @return null if the other end has closed
     * @throws PpiofsException TOO_BIG for a line over the bound, INVALID for what is no JSON object
     */
    public @Nullable Map<String, @Nullable Object> receive() throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        while (true) {
            while (in.hasRemaining()) {
                byte b = in.get();
                if (b == '\n') {
                    return Json.parse(line.toString(StandardCharsets.UTF_8));
                }
                if (line.size() == maxLine) {
                    throw new PpiofsException(
                            ErrorKind.TOO_BIG, "control", "message", "is longer than " + maxLine + " bytes");
                }
                line.write(b);
            }
            in.clear();
            int n = channel.read(in);
            in.flip();
            if (n < 0) {
                return null;
            }
        }
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
