package io.ppiofs.tests.crash;

import io.ppiofs.tests.crash.Change.ChangeMode;
import io.ppiofs.tests.crash.Change.Create;
import io.ppiofs.tests.crash.Change.Link;
import io.ppiofs.tests.crash.Change.MakeDirectory;
import io.ppiofs.tests.crash.Change.OfNamespace;
import io.ppiofs.tests.crash.Change.RemoveDirectory;
import io.ppiofs.tests.crash.Change.Rename;
import io.ppiofs.tests.crash.Change.Symlink;
import io.ppiofs.tests.crash.Change.Tag;
import io.ppiofs.tests.crash.Change.Unlink;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;

/** The names below one worker as they must be after some of its steps. Not thread-safe. */
final class Namespace {
    enum Kind {
        FILE,
        DIRECTORY,
        SYMLINK
    }

    /**
     * @param file number of the file, 0 for what is no file
     * @param target of a symbolic link, else empty
     */
    record Entry(Kind kind, long file, String target, int mode, int tag) {
        static Entry file(long file) {
            return new Entry(Kind.FILE, file, "", 0644, 0);
        }

        static Entry directory() {
            return new Entry(Kind.DIRECTORY, 0, "", 0755, 0);
        }

        static Entry symlink(String target) {
            return new Entry(Kind.SYMLINK, 0, target, 0777, 0);
        }

        Entry withMode(int bits) {
            return new Entry(kind, file, target, bits, tag);
        }

        Entry withTag(int length) {
            return new Entry(kind, file, target, mode, length);
        }
    }

    private final TreeMap<String, Entry> entries = new TreeMap<>();

    SortedMap<String, Entry> entries() {
        return entries;
    }

    void apply(OfNamespace change) {
        if (change instanceof Create create) {
            entries.put(create.path(), Entry.file(create.file()));
        } else if (change instanceof MakeDirectory make) {
            entries.put(make.path(), Entry.directory());
        } else if (change instanceof Symlink symlink) {
            entries.put(symlink.path(), Entry.symlink(symlink.target()));
        } else if (change instanceof Link link) {
            entries.put(link.to(), entry(link.from()));
        } else if (change instanceof Rename rename) {
            rename(rename.from(), rename.to());
        } else if (change instanceof Unlink unlink) {
            entries.remove(unlink.path());
        } else if (change instanceof RemoveDirectory remove) {
            entries.remove(remove.path());
        } else if (change instanceof ChangeMode chmod) {
            update(chmod.path(), entry -> entry.withMode(chmod.mode()));
        } else if (change instanceof Tag tag) {
            update(tag.path(), entry -> entry.withTag(tag.tag()));
        }
    }

    private Entry entry(String path) {
        Entry entry = entries.get(path);
        if (entry == null) {
            throw new IllegalStateException("no " + path + " in the model");
        }
        return entry;
    }

    private void rename(String from, String to) {
        Map<String, Entry> below = new TreeMap<>(entries.subMap(from + "/", from + "0")); // '0' follows '/' in ASCII
        Entry moved = entry(from);
        entries.remove(from);
        entries.put(to, moved);
        below.forEach((path, entry) -> {
            entries.remove(path);
            entries.put(to + path.substring(from.length()), entry);
        });
    }

    /** All names of a file show its attributes. */
    private void update(String path, UnaryOperator<Entry> change) {
        Entry entry = entry(path);
        Entry changed = change.apply(entry);
        entries.replaceAll((other, value) ->
                other.equals(path) || (value.kind() == Kind.FILE && value.file() == entry.file()) ? changed : value);
    }

    List<String> paths(Kind kind) {
        return entries.entrySet().stream()
                .filter(entry -> entry.getValue().kind() == kind)
                .map(Map.Entry::getKey)
                .collect(Collectors.toCollection(ArrayList::new));
    }

    boolean isEmptyDirectory(String path) {
        return entries.subMap(path + "/", path + "0").isEmpty();
    }

    long fileAt(String path) {
        return entry(path).file();
    }
}
