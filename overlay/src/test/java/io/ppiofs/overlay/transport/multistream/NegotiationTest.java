package io.ppiofs.overlay.transport.multistream;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.util.List;
import org.junit.jupiter.api.Test;

class NegotiationTest {
    private static final String HEADER_LINE = "\u0013/multistream/1.0.0\n";

    private final ByteBuf out = Unpooled.buffer();

    private String sent() {
        String text = out.toString(UTF_8);
        out.clear();
        return text;
    }

    private static ByteBuf text(String text) {
        return Unpooled.copiedBuffer(text, UTF_8);
    }

    private static Negotiation responder(String... names) {
        return Negotiation.responder(List.of(names)::contains, () -> List.of(names));
    }

    @Test
    void theInitiatorSendsHeaderAndFirstProposalInOneGo() {
        Negotiation.initiator(List.of("/a", "/b")).begin(out);
        assertThat(sent()).isEqualTo(HEADER_LINE + "\u0003/a\n");
    }

    @Test
    void theInitiatorGoesOnToTheNextProposalWhenRefused() {
        Negotiation initiator = Negotiation.initiator(List.of("/a", "/b"));
        initiator.begin(out);
        sent();
        assertThat(initiator.advance(text(HEADER_LINE + "\u0003na\n"), out)).isNull();
        assertThat(sent()).isEqualTo("\u0003/b\n");
        assertThat(initiator.advance(text("\u0003/b\n"), out)).isEqualTo("/b");
    }

    @Test
    void whatFollowsTheAgreementStaysInTheBuffer() {
        Negotiation initiator = Negotiation.initiator(List.of("/a"));
        initiator.begin(out);
        ByteBuf in = text(HEADER_LINE + "\u0003/a\nhello");
        assertThat(initiator.advance(in, out)).isEqualTo("/a");
        assertThat(in.toString(UTF_8)).isEqualTo("hello");
    }

    @Test
    void theInitiatorGivesUpWhenNothingIsTaken() {
        Negotiation initiator = Negotiation.initiator(List.of("/a"));
        initiator.begin(out);
        assertThatThrownBy(() -> initiator.advance(text(HEADER_LINE + "\u0003na\n"), out))
                .isInstanceOfSatisfying(
                        PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.NOT_SUPPORTED));
    }

    @Test
    void linesMayComeByteByByte() {
        Negotiation responder = responder("/b");
        String all = HEADER_LINE + "\u0003/a\n\u0003/b\nX";
        String agreed = null;
        int used = 0;
        for (byte b : all.getBytes(UTF_8)) {
            if (agreed == null) {
                agreed = responder.advance(Unpooled.wrappedBuffer(new byte[] {b}), out);
                used++;
            }
        }
        assertThat(agreed).isEqualTo("/b");
        assertThat(used).isEqualTo(all.length() - 1);
        assertThat(sent()).isEqualTo(HEADER_LINE + "\u0003na\n\u0003/b\n");
    }

    @Test
    void theListIsAnsweredAsOneMessageOfLines() {
        Negotiation responder = responder("/a", "/bc");
        assertThat(responder.advance(text(HEADER_LINE + "\u0003ls\n"), out)).isNull();
        assertThat(sent()).isEqualTo(HEADER_LINE + "\n\u0003/a\n\u0004/bc\n\n");
    }

    @Test
    void aLongListIsCut() {
        List<String> many = java.util.stream.IntStream.range(0, 1_000)
                .mapToObj(i -> "/" + i)
                .toList();
        Negotiation responder = Negotiation.responder(many::contains, () -> many);
        responder.advance(text(HEADER_LINE + "\u0003ls\n"), out);
        assertThat(sent()).contains("/99\n").doesNotContain("/100\n");
    }

    @Test
    void aLineIsAtMost1024BytesLong() {
        byte[] longest = {(byte) 0x80, 0x08}; // 1,024
        Negotiation responder = responder("/a");
        responder.advance(text(HEADER_LINE), out);
        responder.advance(Unpooled.wrappedBuffer(longest), out);
        for (byte[] tooLong : new byte[][] {{(byte) 0x81, 0x08}, {(byte) 0x80, (byte) 0x80}, {0}}) {
            assertCorrupt(Unpooled.wrappedBuffer(text(HEADER_LINE), Unpooled.wrappedBuffer(tooLong)));
        }
    }

    @Test
    void somethingElseThanMultistreamIsRefused() {
        assertCorrupt(text("\u0003/a\n"));
        assertCorrupt(text("\u0003/ab"));
        assertCorrupt(text("GET / HTTP/1.1\r\n\r\n" + "x".repeat(100)));
    }

    @Test
    void aFirstLineOfAnotherLengthIsRefusedAtOnce() {
        assertCorrupt(text("G"));
    }

    @Test
    void endlessProposalsAreRefused() {
        Negotiation responder = responder("/a");
        responder.advance(text(HEADER_LINE), out);
        assertThatThrownBy(() -> responder.advance(text("\u0003/b\n".repeat(64)), out))
                .isInstanceOf(PpiofsException.class);
    }

    private void assertCorrupt(ByteBuf in) {
        assertThatThrownBy(() -> responder("/a").advance(in, out))
                .isInstanceOfSatisfying(
                        PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.CORRUPT));
    }
}
