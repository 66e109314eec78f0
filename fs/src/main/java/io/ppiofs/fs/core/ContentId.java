package io.ppiofs.fs.core;

import io.ppiofs.blockstore.Cid;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The content id that {@code ppiofs cid} and {@code user.ppiofs.cid} show. A file that is one whole block has that
 * block's CID, which any IPFS tool can hold and check. Any other file has the CID of its block list: the text {@code
 * ppiofs-file 1}, size, and one line per extent (offset, length, CID, offset in the block), or the digest of its inline
 * content. It names the stored form, so the same bytes written in another order of small pieces may have another id.
 */
public final class ContentId {
    /** One extent. */
    public record Part(long offset, int length, Cid cid, int blockOffset) {}

    /** What a file consists of; {@code inline} is its content if that stands in the namespace itself. */
    public record Content(long size, List<Part> parts, byte @Nullable [] inline) {
        public Content {
            parts = List.copyOf(parts);
        }
    }

    private ContentId() {}

    static Cid of(Content content) {
        if (content.parts().size() == 1) {
            Part only = content.parts().get(0);
            if (only.offset() == 0 && only.blockOffset() == 0 && only.length() == content.size()) {
                return only.cid();
            }
        }
        return Cid.of(java.nio.ByteBuffer.wrap(listing(content).getBytes(StandardCharsets.UTF_8)));
    }

    /** The text whose digest is the id of a file that is not one block. */
    public static String listing(Content content) {
        StringBuilder text =
                new StringBuilder("ppiofs-file 1\nsize ").append(content.size()).append('\n');
        byte[] inline = content.inline();
        if (inline != null) {
            text.append("inline ")
                    .append(Cid.of(java.nio.ByteBuffer.wrap(inline)))
                    .append('\n');
        }
        for (Part p : content.parts()) {
            text.append(p.offset())
                    .append(' ')
                    .append(p.length())
                    .append(' ')
                    .append(p.cid())
                    .append(' ')
                    .append(p.blockOffset())
                    .append('\n');
        }
        return text.toString();
    }
}
