package io.ppiofs.overlay.mdns;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A DNS message (RFC 1035, 6762) as far as peer discovery needs it: questions, PTR and TXT records of answers and
 * additionals; other records are skipped. Names are in lower case without the final dot.
 */
record DnsMessage(boolean response, List<Question> questions, List<Ptr> pointers, List<Txt> texts) {
    /** @param type 12 PTR, 16 TXT, 255 any */
    record Question(String name, int type) {}

    record Ptr(String name, String target) {}

    record Txt(String name, List<byte[]> strings) {}

    static final int PTR = 12;
    static final int TXT = 16;
    static final int ANY = 255;

    private static final int IN = 1;
    private static final int CACHE_FLUSH = 0x8000;
    private static final int MAX_RECORDS = 64;
    private static final int MAX_JUMPS = 16;
    private static final int MAX_NAME = 255;
    private static final int TTL_SECONDS = 120;

    static DnsMessage query(String name) {
        return new DnsMessage(false, List.of(new Question(name, PTR)), List.of(), List.of());
    }

    static DnsMessage answer(String service, String instance, List<byte[]> strings) {
        return new DnsMessage(
                true, List.of(), List.of(new Ptr(service, instance)), List.of(new Txt(instance, strings)));
    }

    byte[] encode() {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        int[] header = {0, response ? 0x8400 : 0, questions.size(), pointers.size(), 0, texts.size()};
        for (int field : header) {
            writeShort(out, field);
        }
        for (Question question : questions) {
            writeName(out, question.name);
            writeShort(out, question.type);
            writeShort(out, IN);
        }
        for (Ptr ptr : pointers) {
            ByteArrayOutputStream data = new ByteArrayOutputStream();
            writeName(data, ptr.target);
            writeRecord(out, ptr.name, PTR, IN, data);
        }
        for (Txt txt : texts) {
            ByteArrayOutputStream data = new ByteArrayOutputStream();
            for (byte[] string : txt.strings) {
                data.write(string.length);
                data.writeBytes(string);
            }
            writeRecord(out, txt.name, TXT, IN | CACHE_FLUSH, data);
        }
        return out.toByteArray();
    }

    private static void writeRecord(
            ByteArrayOutputStream out, String name, int type, int cls, ByteArrayOutputStream data) {
        writeName(out, name);
        writeShort(out, type);
        writeShort(out, cls);
        writeShort(out, 0);
        writeShort(out, TTL_SECONDS);
        writeShort(out, data.size());
        out.writeBytes(data.toByteArray());
    }

    private static void writeName(ByteArrayOutputStream out, String name) {
        for (String label : name.split("\\.")) {
            byte[] bytes = label.getBytes(UTF_8);
            if (bytes.length == 0 || bytes.length > 63) {
                throw new IllegalArgumentException("a DNS label has 1 to 63 bytes, not " + bytes.length);
            }
            out.write(bytes.length);
            out.writeBytes(bytes);
        }
        out.write(0);
    }

    private static void writeShort(ByteArrayOutputStream out, int value) {
        out.write(value >>> 8);
        out.write(value);
    }

    /** Empty if the bytes are no DNS message, or one with more than 64 records. */
    static Optional<DnsMessage> decode(byte[] bytes, int length) {
        ByteBuffer in = ByteBuffer.wrap(bytes, 0, length).slice();
        try {
            in.getShort();
            boolean response = (in.getShort() & 0x8000) != 0;
            int questions = in.getShort() & 0xffff;
            int records = (in.getShort() & 0xffff) + (in.getShort() & 0xffff) + (in.getShort() & 0xffff);
            if (questions > MAX_RECORDS || records > MAX_RECORDS) {
                return Optional.empty();
            }
            DnsMessage message = new DnsMessage(response, new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
            for (int i = 0; i < questions; i++) {
                String name = name(in);
                int type = in.getShort() & 0xffff;
                in.getShort();
                message.questions.add(new Question(name, type));
            }
            for (int i = 0; i < records; i++) {
                message.read(in);
            }
            return Optional.of(message);
        } catch (BufferUnderflowException | IllegalArgumentException e) {
            return Optional.empty(); // not DNS, cut short, or names that loop
        }
    }

    private void read(ByteBuffer in) {
        String name = name(in);
        int type = in.getShort() & 0xffff;
        in.getShort();
        in.getInt();
        int length = in.getShort() & 0xffff;
        int end = in.position() + length;
        if (end > in.limit()) {
            throw new IllegalArgumentException("a record is longer than the message");
        }
        if (type == PTR) {
            pointers.add(new Ptr(name, name(in)));
        } else if (type == TXT) {
            texts.add(new Txt(name, strings(in, end)));
        }
        in.position(end);
    }

    private static List<byte[]> strings(ByteBuffer in, int end) {
        List<byte[]> strings = new ArrayList<>();
        while (in.position() < end) {
            int size = in.get() & 0xff;
            if (in.position() + size > end) {
                throw new IllegalArgumentException("a text is longer than its record");
            }
            byte[] string = new byte[size];
            in.get(string);
            strings.add(string);
        }
        return strings;
    }

    /** Reads a name; pointers lead to earlier places and are followed at most 16 times. */
    private static String name(ByteBuffer in) {
        StringBuilder name = new StringBuilder();
        int after = -1;
        int jumps = 0;
        while (true) {
            int size = in.get() & 0xff;
            if (size == 0) {
                break;
            }
            if ((size & 0xc0) == 0xc0) {
                int target = (size & 0x3f) << 8 | in.get() & 0xff;
                if (++jumps > MAX_JUMPS || target >= in.limit()) {
                    throw new IllegalArgumentException("a name loops");
                }
                after = after < 0 ? in.position() : after;
                in.position(target);
                continue;
            }
            if (size > 63 || name.length() + size > MAX_NAME) {
                throw new IllegalArgumentException("a name is too long");
            }
            byte[] label = new byte[size];
            in.get(label);
            name.append(name.length() == 0 ? "" : ".").append(new String(label, UTF_8));
        }
        if (after >= 0) {
            in.position(after);
        }
        return name.toString().toLowerCase(java.util.Locale.ROOT);
    }
}
