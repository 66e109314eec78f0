package io.ppiofs.fs.core;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Damage to the namespace that no block's name can show: only a defect of ppiofs makes it. */
class FsckTest {
    @TempDir
    Path directory;

    private CoreFixture core;
    private long file;
    private long folder;

    @BeforeEach
    void twoNamesOfOneFileAndAFolder() {
        core = new CoreFixture(directory);
        OpenFile open = core.create("first");
        core.write(open, 0, new byte[10]);
        core.fs.release(open);
        Attr made = core.fs.mkdir(Caller.ROOT, Ino.ROOT, FileName.of("folder"), 0755);
        folder = made.ino().value();
        file = core.lookup("first").ino().value();
        core.fs.link(Caller.ROOT, new Ino(file), made.ino(), FileName.of("second"));
        core.fs.checkpoint();
    }

    @AfterEach
    void close() {
        core.fs.close();
    }

    private Fsck.Report check() {
        return new Fsck(core.fs, core.everyBlock(), n -> {}).run();
    }

    private void damage(Consumer<Transaction> change) {
        Transaction tx = core.fs.engine().begin();
        change.accept(tx);
        core.fs.engine().map().commit(tx);
    }

    private byte[] dirent(long parent, String name) {
        return Keys.dirent(parent, hash(name), 0);
    }

    private long hash(String name) {
        return Math.min(core.fs.engine().volume().names().hash(FileName.of(name).bytes()) >>> 2, Keys.MAX_HASH);
    }

    private void assertFound(String subject, String sentence) {
        assertThat(check().listed()).anySatisfy(p -> {
            assertThat(p.subject()).isEqualTo(subject);
            assertThat(p.sentence()).contains(sentence);
        });
    }

    @Test
    void whatIsSoundIsSound() {
        assertThat(check().listed()).isEmpty();
    }

    @Test
    void aFurtherNameThatTheInodeDoesNotKnow() {
        damage(tx -> tx.delete(Keys.link(file, folder, hash("second"), 0)));
        assertFound("/folder/second", "does not know this name");
    }

    @Test
    void aFurtherNameThatIsGoneFromItsDirectory() {
        damage(tx -> tx.delete(dirent(folder, "second")));
        assertFound("/first", "a further name that it knows is not there");
        assertFound("/first", "link count 2, but 1 names");
    }

    @Test
    void aNameThatLeadsNowhere() {
        damage(tx -> tx.delete(Keys.inode(folder)));
        assertFound("/folder", "leads to no inode");
    }

    @Test
    void contentThatIsMissing() {
        damage(tx -> tx.delete(Keys.inline(file)));
        assertFound("/first", "its content is missing");
    }
}
