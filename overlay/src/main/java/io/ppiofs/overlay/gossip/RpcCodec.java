package io.ppiofs.overlay.gossip;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.WireFormat;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The protobuf messages of gossipsub (specifications "pubsub", "gossipsub" 1.0, 1.1, 1.2). Written by hand because a
 * generated parser makes an object of every entry before anything can be counted: here entries beyond a limit are skipped
 * and counted, so a frame makes at most a few thousand objects whatever is in it. Cost of decoding a frame with one
 * message: about ten objects and one copy of the data.
 */
final class RpcCodec {
    static final int MAX_TOPICS = 5_000;
    static final int MAX_MESSAGES = 1_000;
    static final int MAX_IDS = 5_000;
    static final int MAX_HAVES = 1_000;
    static final int MAX_GRAFTS = 1_000;
    static final int MAX_PRUNES = 1_000;
    static final int MAX_REFERRALS = 16;
    static final int MAX_DONT_WANT = 512;
    static final int MAX_TOPIC_BYTES = 256;

    private static final int MAX_PEER_BYTES = 64;
    private static final int MAX_RECORD_BYTES = 64 * 1024;

    private RpcCodec() {}

    // --- reading

    /** @throws InvalidProtocolBufferException if {@code frame} is no such message */
    static Rpc decode(byte[] frame) throws IOException {
        Rpc rpc = new Rpc();
        CodedInputStream in = CodedInputStream.newInstance(frame);
        fields(in, field -> {
            switch (field) {
                case 1 -> topic(in, rpc);
                case 2 -> message(in, rpc);
                case 3 -> nested(in, inner -> control(in, inner, rpc));
                default -> {
                    return false;
                }
            }
            return true;
        });
        return rpc;
    }

    private static void topic(CodedInputStream in, Rpc rpc) throws IOException {
        boolean[] subscribe = {false};
        String[] name = {null};
        nested(in, field -> {
            switch (field) {
                case -1 -> subscribe[0] = in.readBool();
                case 2 -> name[0] = topicName(in);
                default -> {
                    return false;
                }
            }
            return true;
        });
        String topic = name[0];
        if (topic == null || rpc.topics.size() >= MAX_TOPICS) {
            rpc.excess++;
        } else {
            rpc.topics.add(new Rpc.Topic(subscribe[0], topic));
        }
    }

    private static void message(CodedInputStream in, Rpc rpc) throws IOException {
        byte[][] parts = new byte[7][];
        String[] topic = {null};
        nested(in, field -> {
            switch (field) {
                case 1, 2, 3, 5, 6 -> parts[field] = in.readByteArray();
                case 4 -> topic[0] = topicName(in);
                default -> {
                    return false;
                }
            }
            return true;
        });
        String name = topic[0];
        if (name == null || rpc.messages.size() >= MAX_MESSAGES) {
            rpc.excess++;
            return;
        }
        byte[] data = parts[2] == null ? new byte[0] : parts[2];
        rpc.messages.add(new Message(parts[1], data, parts[3], name, parts[5], parts[6]));
    }

    private static boolean control(CodedInputStream in, int field, Rpc rpc) throws IOException {
        switch (field) {
            case 1 -> have(in, rpc);
            case 2 -> ids(in, 1, rpc.want, MAX_IDS, rpc);
            case 3 -> graft(in, rpc);
            case 4 -> prune(in, rpc);
            case 5 -> ids(in, 1, rpc.dontWant, MAX_DONT_WANT, rpc);
            default -> {
                return false;
            }
        }
        return true;
    }

    private static void have(CodedInputStream in, Rpc rpc) throws IOException {
        int before = rpc.have.stream().mapToInt(have -> have.ids().size()).sum();
        List<byte[]> ids = new ArrayList<>();
        String[] topic = {null};
        nested(in, field -> {
            if (field == 1) {
                topic[0] = topicName(in);
            } else if (field == 2) {
                id(in, ids, MAX_IDS - before, rpc);
            } else {
                return false;
            }
            return true;
        });
        String name = topic[0];
        if (name == null || rpc.have.size() >= MAX_HAVES) {
            rpc.excess++;
        } else if (!ids.isEmpty()) {
            rpc.have.add(new Rpc.Have(name, ids));
        }
    }

    private static void ids(CodedInputStream in, int number, List<byte[]> into, int max, Rpc rpc) throws IOException {
        nested(in, field -> {
            if (field != number) {
                return false;
            }
            id(in, into, max, rpc);
            return true;
        });
    }

    private static void id(CodedInputStream in, List<byte[]> into, int max, Rpc rpc) throws IOException {
        byte[] id = bounded(in, MessageId.MAX_LENGTH);
        if (id == null || id.length == 0 || into.size() >= max) {
            rpc.excess++;
        } else {
            into.add(id);
        }
    }

    private static void graft(CodedInputStream in, Rpc rpc) throws IOException {
        nested(in, field -> {
            if (field != 1) {
                return false;
            }
            String topic = topicName(in);
            if (topic == null || rpc.graft.size() >= MAX_GRAFTS) {
                rpc.excess++;
            } else {
                rpc.graft.add(topic);
            }
            return true;
        });
    }

    private static void prune(CodedInputStream in, Rpc rpc) throws IOException {
        String[] topic = {null};
        long[] backoff = {0};
        List<Rpc.Referral> peers = new ArrayList<>(0);
        nested(in, field -> {
            switch (field) {
                case 1 -> topic[0] = topicName(in);
                case 2 -> referral(in, peers, rpc);
                case -3 -> backoff[0] = in.readUInt64();
                default -> {
                    return false;
                }
            }
            return true;
        });
        String name = topic[0];
        if (name == null || rpc.prune.size() >= MAX_PRUNES) {
            rpc.excess++;
        } else {
            rpc.prune.add(new Rpc.Prune(name, peers, backoff[0]));
        }
    }

    private static void referral(CodedInputStream in, List<Rpc.Referral> peers, Rpc rpc) throws IOException {
        byte[][] parts = {null, new byte[0]};
        nested(in, field -> {
            if (field == 1) {
                parts[0] = bounded(in, MAX_PEER_BYTES);
            } else if (field == 2) {
                byte[] signed = bounded(in, MAX_RECORD_BYTES);
                parts[1] = signed == null ? new byte[0] : signed;
            } else {
                return false;
            }
            return true;
        });
        byte[] peer = parts[0];
        if (peer == null || peers.size() >= MAX_REFERRALS) {
            rpc.excess++;
        } else {
            peers.add(new Rpc.Referral(peer, parts[1]));
        }
    }

    /** Reads the value of one field. */
    private interface FieldReader {
        /**
         * @param field the number of a length-delimited field, minus the number of a varint field
         * @return false: the field is unknown, nothing was read
         */
        boolean read(int field) throws IOException;
    }

    private static void nested(CodedInputStream in, FieldReader reader) throws IOException {
        int limit = in.pushLimit(in.readRawVarint32());
        fields(in, reader);
        in.checkLastTagWas(0);
        in.popLimit(limit);
    }

    private static void fields(CodedInputStream in, FieldReader reader) throws IOException {
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            int number = WireFormat.getTagFieldNumber(tag);
            boolean read = switch (WireFormat.getTagWireType(tag)) {
                case WireFormat.WIRETYPE_LENGTH_DELIMITED -> reader.read(number);
                case WireFormat.WIRETYPE_VARINT -> reader.read(-number);
                default -> false;
            };
            if (!read && !in.skipField(tag)) {
                throw new InvalidProtocolBufferException("a group ends that has not begun");
            }
        }
    }

    private static byte @Nullable [] bounded(CodedInputStream in, int max) throws IOException {
        int length = in.readRawVarint32();
        if (length < 0 || length > max) {
            in.skipRawBytes(length);
            return null;
        }
        return in.readRawBytes(length);
    }

    /** Null if it is too long. */
    private static @Nullable String topicName(CodedInputStream in) throws IOException {
        byte[] utf8 = bounded(in, MAX_TOPIC_BYTES);
        return utf8 == null ? null : new String(utf8, StandardCharsets.UTF_8);
    }

    // --- writing

    /** The frame of {@code rpc}; ids are written as they are. */
    static byte[] encode(Rpc rpc) {
        return written(out -> {
            for (Rpc.Topic topic : rpc.topics) {
                out.writeByteArray(1, written(inner -> {
                    inner.writeBool(1, topic.subscribe());
                    inner.writeString(2, topic.name());
                }));
            }
            for (Message message : rpc.messages) {
                out.writeByteArray(2, encode(message));
            }
            if (rpc.hasControl()) {
                out.writeByteArray(3, written(inner -> control(inner, rpc)));
            }
        });
    }

    private static void control(CodedOutputStream out, Rpc rpc) throws IOException {
        for (Rpc.Have have : rpc.have) {
            out.writeByteArray(1, written(inner -> {
                inner.writeString(1, have.topic());
                for (byte[] id : have.ids()) {
                    inner.writeByteArray(2, id);
                }
            }));
        }
        if (!rpc.want.isEmpty()) {
            out.writeByteArray(2, written(inner -> ids(inner, rpc.want)));
        }
        for (String topic : rpc.graft) {
            out.writeByteArray(3, written(inner -> inner.writeString(1, topic)));
        }
        for (Rpc.Prune prune : rpc.prune) {
            out.writeByteArray(4, written(inner -> prune(inner, prune)));
        }
        if (!rpc.dontWant.isEmpty()) {
            out.writeByteArray(5, written(inner -> ids(inner, rpc.dontWant)));
        }
    }

    private static void ids(CodedOutputStream out, List<byte[]> ids) throws IOException {
        for (byte[] id : ids) {
            out.writeByteArray(1, id);
        }
    }

    private static void prune(CodedOutputStream out, Rpc.Prune prune) throws IOException {
        out.writeString(1, prune.topic());
        for (Rpc.Referral referral : prune.peers()) {
            out.writeByteArray(2, written(inner -> {
                inner.writeByteArray(1, referral.peer());
                if (referral.signedRecord().length > 0) {
                    inner.writeByteArray(2, referral.signedRecord());
                }
            }));
        }
        if (prune.backoffSeconds() > 0) {
            out.writeUInt64(3, prune.backoffSeconds());
        }
    }

    /** The message in field order: equal messages are equal bytes, which is what its signature is over. */
    static byte[] encode(Message message) {
        return written(out -> {
            optional(out, 1, message.from());
            out.writeByteArray(2, message.data());
            optional(out, 3, message.sequence());
            out.writeString(4, message.topic());
            optional(out, 5, message.signature());
            optional(out, 6, message.key());
        });
    }

    private static void optional(CodedOutputStream out, int field, byte @Nullable [] value) throws IOException {
        if (value != null) {
            out.writeByteArray(field, value);
        }
    }

    private interface Writer {
        void write(CodedOutputStream out) throws IOException;
    }

    private static byte[] written(Writer writer) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(128);
        CodedOutputStream out = CodedOutputStream.newInstance(bytes);
        try {
            writer.write(out);
            out.flush();
        } catch (IOException e) {
            throw new UncheckedIOException("a byte array does not fail", e);
        }
        return bytes.toByteArray();
    }
}
