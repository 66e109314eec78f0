package io.ppiofs.node.cli;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.UserDefinedFileAttributeView;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

@Command(
        name = "cid",
        header = "the content identifier of a file",
        description = "Prints the content identifier of each file, which lies in a mounted volume. The same text is in "
                + "the extended attribute user.ppiofs.cid.",
        sortOptions = false,
        footerHeading = "%nEXAMPLE%n",
        footer = "  ppiofs cid /mnt/p/film.mkv")
final class CidCommand implements Callable<Integer> {
    /** Without its prefix "user.", which Java adds. */
    private static final String ATTRIBUTE = "ppiofs.cid";

    private static final int MAX_LENGTH = 4096;

    private final Main main;

    @Parameters(arity = "1..*", paramLabel = "PATH", description = "files in a mounted volume")
    private List<Path> paths = new ArrayList<>();

    @Mixin
    private final JsonOption json = new JsonOption();

    CidCommand(Main main) {
        this.main = main;
    }

    @Override
    public Integer call() {
        Map<String, @Nullable Object> facts = new LinkedHashMap<>();
        paths.forEach(p -> facts.put(p.toString(), cid(p)));
        json.print(
                main.surroundings(),
                facts,
                () -> facts.forEach((path, cid) -> main.surroundings().out().println(cid + "  " + path)));
        return 0;
    }

    private static String cid(Path path) {
        if (Files.notExists(path, LinkOption.NOFOLLOW_LINKS)) {
            throw new PpiofsException(ErrorKind.NOT_FOUND, "cid", path.toString(), "does not exist");
        }
        UserDefinedFileAttributeView view = Files.getFileAttributeView(path, UserDefinedFileAttributeView.class);
        try {
            int size = view == null ? 0 : view.size(ATTRIBUTE);
            if (size <= 0 || size > MAX_LENGTH) {
                throw new PpiofsException(ErrorKind.NO_DATA, "cid", path.toString(), "has no content identifier");
            }
            ByteBuffer value = ByteBuffer.allocate(size);
            view.read(ATTRIBUTE, value);
            return new String(value.array(), 0, value.position(), StandardCharsets.US_ASCII);
        } catch (IOException e) {
            throw new PpiofsException(
                    ErrorKind.NO_DATA,
                    "cid",
                    path.toString(),
                    "has no content identifier; only regular files in a mounted volume have one",
                    e);
        }
    }
}
