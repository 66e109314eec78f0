package io.ppiofs.overlay.swarm;

import com.google.common.hash.Hashing;
import com.google.common.io.BaseEncoding;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The address book on disk. Text, one line per peer and address, a checksum at the end; written to a second file that
 * replaces the first, so a crash leaves the old or the new one. A file that does not check is renamed and said in one
 * sentence: addresses can be learnt again. Not thread safe; does blocking I/O.
 */
final class PeerFile {
    private static final Logger LOG = LoggerFactory.getLogger(PeerFile.class);
    private static final String HEADER = "ppiofs peers 1";
    private static final String PEER = "peer";
    private static final String ADDRESS = "address";
    private static final String SUM = "sha256";
    private static final long MAX_BYTES = 64L << 20;

    private final Path path;

    PeerFile(Path path) {
        this.path = path;
    }

    void save(List<PeerStore.Saved> peers) throws IOException {
        StringBuilder text = new StringBuilder(HEADER).append('\n');
        for (PeerStore.Saved peer : peers) {
            String envelope = BaseEncoding.base64().encode(peer.envelope());
            text.append(String.join(" ", PEER, peer.peer().toString(), Long.toString(peer.sequence()), "=" + envelope));
            text.append('\n');
            for (PeerStore.Known known : peer.addresses()) {
                String kind = known.signed() ? "signed" : "told";
                String expires = Long.toString(known.expiresMillis());
                text.append(
                        String.join(" ", ADDRESS, expires, kind, known.address().toString()));
                text.append('\n');
            }
        }
        text.append(SUM).append(' ');
        text.append(sum(text)).append('\n');
        Path fresh = path.resolveSibling(path.getFileName() + ".new");
        write(fresh, text.toString().getBytes(StandardCharsets.UTF_8));
        Files.move(fresh, path, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    private static void write(Path file, byte[] bytes) throws IOException {
        try (FileChannel out = FileChannel.open(
                file, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE)) {
            ByteBuffer rest = ByteBuffer.wrap(bytes);
            while (rest.hasRemaining()) {
                out.write(rest);
            }
            out.force(true);
        }
    }

    private static String sum(CharSequence text) {
        return Hashing.sha256().hashString(text, StandardCharsets.UTF_8).toString();
    }

    /** What was saved; nothing if there is no file or it does not check. */
    List<PeerStore.Saved> load() throws IOException {
        if (!Files.exists(path)) {
            return List.of();
        }
        try {
            if (Files.size(path) > MAX_BYTES) {
                throw new IllegalArgumentException("it is larger than " + (MAX_BYTES >> 20) + " MiB");
            }
            return parse(Files.readString(path, StandardCharsets.UTF_8));
        } catch (IllegalArgumentException | PpiofsException | java.nio.charset.MalformedInputException e) {
            Path aside = path.resolveSibling(path.getFileName() + ".corrupt");
            Files.move(path, aside, StandardCopyOption.REPLACE_EXISTING);
            LOG.warn(
                    "read peers {}: {}; it was set aside as {} and peers will be learnt again",
                    path,
                    e.getMessage(),
                    aside.getFileName());
            return List.of();
        }
    }

    private static List<PeerStore.Saved> parse(String text) {
        int last = text.lastIndexOf("\n" + SUM + " ");
        if (last < 0 || !text.startsWith(HEADER + "\n")) {
            throw new IllegalArgumentException("it is not a file of peers, or its end is missing");
        }
        String body = text.substring(0, last + 1);
        // the sum was taken over everything before its own line, that line's word included
        if (!text.substring(last + 1).equals(SUM + " " + sum(body + SUM + " ") + "\n")) {
            throw new IllegalArgumentException("its checksum does not match");
        }
        List<PeerStore.Saved> peers = new ArrayList<>();
        List<PeerStore.Known> addresses = new ArrayList<>();
        for (String line : body.substring(HEADER.length() + 1).split("\n")) {
            String[] words = line.split(" ", 4);
            if (words.length == 4 && words[0].equals(PEER)) {
                addresses = new ArrayList<>();
                byte[] envelope = BaseEncoding.base64().decode(words[3].substring(1));
                peers.add(new PeerStore.Saved(PeerId.parse(words[1]), Long.parseLong(words[2]), envelope, addresses));
            } else if (words.length == 4 && words[0].equals(ADDRESS)) {
                boolean signed = words[2].equals("signed");
                addresses.add(new PeerStore.Known(Multiaddr.parse(words[3]), Long.parseLong(words[1]), signed));
            } else if (!line.isEmpty()) {
                throw new IllegalArgumentException("a line is neither a peer nor an address");
            }
        }
        return peers;
    }
}
