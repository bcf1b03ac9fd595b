import Foundation
import Testing

/// Stores that were copied or moved, are reached through links, or lie on other file systems.
@Suite(.serialized, .enabled(if: Program.obstacle == nil, "\(Program.obstacle ?? "")"))
struct StorePlaceTests {
    /// A container that has changed parts of a large file, one of them to zeros.
    private static let changed = """
        mkdir -p big m && head -c 4000000 /dev/urandom > big/data && $VITRINE import big big
        $VITRINE create --name one big true && $VITRINE mount --rw one m
        printf hello | dd of=m/data conv=notrunc bs=1 seek=100 status=none
        dd if=/dev/zero of=m/data conv=notrunc bs=128k seek=10 count=2 status=none
        """

    private func withPlaces(_ body: (Program) throws -> Void) throws {
        try withContainers { program in
            // What a failure left.
            defer {
                _ = try? program.run(
                    shell: "for m in m g place; do umount -l $m; done 2> umount.log")
            }
            try body(program)
        }
    }

    @Test func `a copy without its empty directories is completed, and keeps its images`() throws {
        try withPlaces { program in
            try check(
                program,
                """
                cp -a store copy && find copy -type d -empty -delete && test ! -d copy/work
                export VITRINE_ROOT=$PWD/copy
                cmp store/index.json copy/index.json && $VITRINE import rootfs more
                $VITRINE run --rm base true && $VITRINE images -q base | grep . && $VITRINE fsck
                """, says: "clean")
        }
    }

    @Test func `a store whose path is too long says so`() throws {
        try withPlaces { program in
            try check(
                program,
                """
                name=$(printf 'x%.0s' {1..100}); root=$PWD/$name/$name/$name/$name/$name
                VITRINE_ROOT=$root $VITRINE import rootfs new; s=$?; test ! -e $PWD/$name && exit $s
                """, status: 1, says: "has 490 bytes at most")
        }
    }

    @Test(arguments: ["--sparse=never", "--sparse=always", "--sparse=auto"])
    func `containers of a copied store are what they were`(sparse: String) throws {
        try withPlaces { program in
            let wanted = try check(
                program, "\(Self.changed); sha256sum < m/data; $VITRINE umount m"
            ).split(separator: "\n").last.map(String.init)
            try #require(wanted?.hasSuffix("  -") == true)
            try check(program, "cp -a \(sparse) store copy")
            let copied = "export VITRINE_ROOT=$PWD/copy"
            let ways = [
                "$VITRINE export one | tar -xO data | sha256sum",
                "$VITRINE diff one",
                "$VITRINE cp one:/data - | tar -xO | sha256sum",
                "$VITRINE mount --rw one m && sha256sum < m/data && $VITRINE umount m",
                "$VITRINE mount one m && sha256sum < m/data && $VITRINE umount m",
                "$VITRINE commit one new; $VITRINE mount new m && sha256sum < m/data "
                    + "&& $VITRINE umount m",
            ]
            for way in ways {
                let says = way.contains("diff") ? "C /data" : wanted
                try check(program, "\(copied); \(way)", says: says)
            }
            try check(program, "\(copied); $VITRINE fsck", says: "clean")
            // Copied again, and changed again.
            try check(
                program,
                """
                \(copied); $VITRINE mount --rw one m
                printf more | dd of=m/data conv=notrunc bs=1 seek=3900000 status=none
                sha256sum < m/data > wanted; $VITRINE umount m; cp -a \(sparse) copy again
                VITRINE_ROOT=$PWD/again; $VITRINE cp one:/data - | tar -xO | sha256sum > found
                cmp wanted found
                """)
        }
    }

    @Test func `what was copied while its process was gone is refused, and not changed`() throws {
        try withPlaces { program in
            try check(
                program,
                """
                \(Self.changed); sha256sum < m/data > wanted
                kill -9 $(head -n 1 store/locks/container-*); umount -l m
                cp -a --sparse=never store copy
                """)
            let copied = "export VITRINE_ROOT=$PWD/copy"
            for command in ["cp one:/data -", "mount --rw one m", "commit one new"] {
                try check(
                    program, "\(copied); $VITRINE \(command)", status: 1,
                    says: "was copied from elsewhere")
            }
            try check(program, "\(copied); $VITRINE fsck", status: 1, says: "broken-container one")
            try check(
                program,
                """
                $VITRINE mount --rw one m; sha256sum < m/data > found; $VITRINE umount m
                cmp wanted found && cp -a --sparse=never store other && VITRINE_ROOT=$PWD/other
                $VITRINE cp one:/data - | tar -xO | sha256sum > found; cmp wanted found
                """)
        }
    }

    @Test func `where pages are large a file is copied whole`() throws {
        try withPlaces { program in
            try check(
                program,
                """
                mkdir place && { mount -t tmpfs -o size=200m,huge=always t place ||
                    mount -t tmpfs -o size=200m t place; }
                export VITRINE_ROOT=$PWD/place/store
                \(Self.changed); sha256sum < m/data > wanted; $VITRINE umount m
                $VITRINE mount --rw one m; sha256sum < m/data > found; $VITRINE umount m
                umount place; cmp wanted found
                """)
        }
    }

    @Test func `the caller's umask is not the containers'`() throws {
        try withPlaces { program in
            try check(
                program,
                """
                umask 077; $VITRINE run --rm --network none -u 1000 -v $PWD/made/deep:/x base \
                    cat /etc/hosts /etc/hostname && stat -c %a made made/deep | uniq
                """, says: "755\n")
            try check(
                program,
                """
                umask 077; printf 'FROM base\\nUSER 1000\\nRUN cat /etc/hosts' > Dockerfile
                $VITRINE build --network none -q .
                """)
        }
    }

    @Test func `a store behind a link is the one that it leads to`() throws {
        try withPlaces { program in
            try check(
                program, "ln -s store link; VITRINE_ROOT=$PWD/link $VITRINE info -f '{{.Store}}'",
                says: "/store\n")
            try check(
                program, "ln -s . here; VITRINE_ROOT=$PWD/here/store $VITRINE info -f '{{.Store}}'",
                says: "/store\n")
        }
    }

    @Test func `a process whose store was moved away says so`() throws {
        try withPlaces { program in
            try check(
                program, "mkdir m; $VITRINE create --name one base && $VITRINE mount --rw one m")
            try check(
                program,
                "mv store other; VITRINE_ROOT=$PWD/other timeout 300 $VITRINE commit one new",
                status: 1, says: "lease")
            try check(program, "mv other store; $VITRINE umount m && $VITRINE fsck", says: "clean")
        }
    }

    @Test func `steps are built in a store that lies on a view`() throws {
        try withPlaces { program in
            try check(
                program,
                """
                mkdir m; $VITRINE create --name one base && $VITRINE mount --rw one m
                printf 'FROM base\\nRUN echo built > /built' > Dockerfile
                (export VITRINE_ROOT=$PWD/m/store; $VITRINE import rootfs base &&
                    $VITRINE build --network none -q -t made . && $VITRINE gc > gc.log)
                status=$?; $VITRINE umount m; exit $status
                """)
        }
    }

    @Test func `a container is removed where no file can be made`() throws {
        try withPlaces { program in
            try check(
                program,
                """
                truncate -s 160M disk && mkfs.ext4 -q -N 600 disk && mkdir place &&
                    mount -o loop disk place
                (export VITRINE_ROOT=$PWD/place/store; $VITRINE import rootfs base
                $VITRINE create --name one base && $VITRINE create --name two base
                n=0; while : > place/$n; do n=$((n + 1)); done 2> full.log
                $VITRINE rm one && $VITRINE container prune -f)
                status=$?; umount place; exit $status
                """, says: "Deleted Containers")
        }
    }

    @Test func `the gallery shows what was written last, however coarse times are`() throws {
        try withPlaces { program in
            try check(
                program,
                """
                truncate -s 64M disk && mkfs.ext4 -q -I 128 disk 2> mkfs.log && mkdir place m g &&
                    mount -o loop disk place
                (export VITRINE_ROOT=$PWD/place/store VITRINE_MOUNT=$PWD/g
                $VITRINE import rootfs base && $VITRINE create --name one base &&
                    $VITRINE mount --rw one m && $VITRINE serve --detach
                for n in 1 2 3; do
                    printf old > m/file; cat g/containers/one/changes/file > shown.log
                    sleep 0.1; printf new > m/file; sleep 3
                    cat g/containers/one/changes/file
                done
                $VITRINE umount g; $VITRINE umount m) > out
                umount place; grep -c newnewnew out
                """, says: "1")
        }
    }
}
