package io.ppiofs.overlay.transport.multistream;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.netty.buffer.ByteBuf;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.util.Collection;
import java.util.List;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** One side of an agreement on a protocol. Not safe for threads; done after {@link #advance} has returned a name or thrown. */
public final class Negotiation {
    /** The protocol's own name, the first line of both sides. */
    public static final String HEADER = "/multistream/1.0.0";

    /** Longest line, newline included. */
    public static final int MAX_LINE = 1_024;

    private static final String NOT_AVAILABLE = "na";
    private static final String LIST = "ls";
    private static final int MAX_LINES = 64;
    private static final int MAX_LISTED = 100;

    private final boolean initiator;
    private final List<String> proposals;
    private final Predicate<String> accepts;
    private final Supplier<Collection<String>> listing;
    private final byte[] line = new byte[MAX_LINE];
    private int filled;
    private int length;
    private int lengthBytes;
    private int lines;
    private int proposed;
    private boolean headerSeen;

    private Negotiation(
            boolean initiator,
            List<String> proposals,
            Predicate<String> accepts,
            Supplier<Collection<String>> listing) {
        this.initiator = initiator;
        this.proposals = proposals;
        this.accepts = accepts;
        this.listing = listing;
    }

    /** The side that proposes, in this order. Call {@link #begin} first. */
    public static Negotiation initiator(List<String> proposals) {
        if (proposals.isEmpty()) {
            throw new IllegalArgumentException("proposals must not be empty");
        }
        return new Negotiation(true, List.copyOf(proposals), name -> false, List::of);
    }

    /**
     * The side that answers.
     *
     * @param accepts whether a proposal is taken; called once per proposal
     * @param listing what {@code ls} is answered with, at most 100 names of it
     */
    public static Negotiation responder(Predicate<String> accepts, Supplier<Collection<String>> listing) {
        return new Negotiation(false, List.of(), accepts, listing);
    }

    /** Writes what the initiator sends first: header and first proposal; the responder sends nothing first. */
    public void begin(ByteBuf out) {
        if (initiator) {
            writeLine(out, HEADER);
            writeLine(out, proposals.get(0));
            proposed = 1;
        }
    }

    /**
     * Reads lines from {@code in}, appends answers to {@code out} (send it if it has become readable).
     *
     * @return the protocol when it is agreed on, null if more input is needed
     * @throws PpiofsException NOT_SUPPORTED if the other side takes none of the proposals, CORRUPT if it does not speak
     *     multistream-select
     */
    public @Nullable String advance(ByteBuf in, ByteBuf out) {
        String text;
        while ((text = nextLine(in)) != null) {
            String agreed = initiator ? onAnswer(text, out) : onProposal(text, out);
            if (agreed != null) {
                return agreed;
            }
        }
        return null;
    }

    private @Nullable String onAnswer(String text, ByteBuf out) {
        if (expectHeader(text)) {
            return null;
        }
        String current = proposals.get(proposed - 1);
        if (text.equals(current)) {
            return current;
        }
        if (!text.equals(NOT_AVAILABLE)) {
            throw corrupt("answered a proposal with another name");
        }
        if (proposed == proposals.size()) {
            throw new PpiofsException(
                    ErrorKind.NOT_SUPPORTED,
                    "negotiate",
                    String.join(", ", proposals),
                    "the peer speaks none of these protocols");
        }
        writeLine(out, proposals.get(proposed++));
        return null;
    }

    private @Nullable String onProposal(String text, ByteBuf out) {
        if (++lines > MAX_LINES) {
            throw corrupt("made more than " + MAX_LINES + " proposals");
        }
        if (expectHeader(text)) {
            writeLine(out, HEADER);
            return null;
        }
        if (text.equals(LIST)) {
            writeListing(out);
            return null;
        }
        if (accepts.test(text)) {
            writeLine(out, text);
            return text;
        }
        writeLine(out, NOT_AVAILABLE);
        return null;
    }

    private boolean expectHeader(String text) {
        if (headerSeen) {
            return false;
        }
        if (!text.equals(HEADER)) {
            throw corrupt("did not begin with " + HEADER);
        }
        headerSeen = true;
        return true;
    }

    /** The next whole line without its newline, or null; consumes no byte beyond the line. */
    private @Nullable String nextLine(ByteBuf in) {
        while (in.isReadable()) {
            if (lengthBytes >= 0) {
                readLength(in.readByte());
                continue;
            }
            int n = Math.min(length - filled, in.readableBytes());
            in.readBytes(line, filled, n);
            filled += n;
            if (filled == length) {
                return takeLine();
            }
        }
        return null;
    }

    private void readLength(byte b) {
        length |= (b & 0x7f) << 7 * lengthBytes;
        lengthBytes++;
        if (b < 0) {
            if (lengthBytes == 2) {
                throw corrupt("sent a line longer than " + MAX_LINE + " bytes");
            }
            return;
        }
        if (length == 0 || length > MAX_LINE) {
            throw corrupt("sent a line of " + length + " bytes");
        }
        if (!headerSeen && length != HEADER.length() + 1) {
            throw corrupt("did not begin with " + HEADER); // a stranger may never send the rest of its "line"
        }
        lengthBytes = -1;
    }

    private String takeLine() {
        if (line[length - 1] != '\n') {
            throw corrupt("sent a line without newline");
        }
        String text = new String(line, 0, length - 1, UTF_8);
        filled = 0;
        length = 0;
        lengthBytes = 0;
        return text;
    }

    private void writeListing(ByteBuf out) {
        ByteBuf body = out.alloc().buffer();
        try {
            int listed = 0;
            for (String name : listing.get()) {
                if (listed++ < MAX_LISTED && body.readableBytes() + name.length() + 3 < MAX_LINE * 8) {
                    writeLine(body, name);
                }
            }
            body.writeByte('\n');
            writeVarint(out, body.readableBytes());
            out.writeBytes(body);
        } finally {
            body.release();
        }
    }

    private static void writeLine(ByteBuf out, String text) {
        byte[] bytes = text.getBytes(UTF_8);
        if (bytes.length >= MAX_LINE) {
            throw new IllegalArgumentException("protocol name of " + bytes.length + " bytes");
        }
        writeVarint(out, bytes.length + 1);
        out.writeBytes(bytes).writeByte('\n');
    }

    private static void writeVarint(ByteBuf out, int value) {
        int rest = value;
        while (rest >= 0x80) {
            out.writeByte(rest & 0x7f | 0x80);
            rest >>>= 7;
        }
        out.writeByte(rest);
    }

    private static PpiofsException corrupt(String detail) {
        return new PpiofsException(ErrorKind.CORRUPT, "negotiate", "protocol", "the peer " + detail);
    }
}
