import Foundation
import Glibc
import Testing

/// Sizes, to the byte.
@Suite(.serialized, .enabled(if: Program.obstacle == nil, "\(Program.obstacle ?? "")"))
struct SizeTests {
    /// Three images that share: 20,000 bytes; those and 2,000; those and 10,000, of which 3,000 are
    /// twice the same.
    private func withImages(_ body: (Program) throws -> Void) throws {
        let program = try Program()
        defer { program.remove() }
        let made = try program.run(
            shell: """
                set -e
                mkdir -p base/a small large
                for i in 1 2 3 4; do yes $i | head -c 5000 > base/a/$i; done
                cp -a base/. small; yes s | head -c 2000 > small/s
                cp -a base/. large; yes l | head -c 7000 > large/l
                yes d | head -c 3000 > large/d1; cp large/d1 large/d2
                for i in base small large; do $VITRINE import $i $i > /dev/null; done
                """)
        try #require(made.status == 0, "\(made.errors)")
        try body(program)
    }

    @Test func `of an image what it shares and what is its own`() throws {
        try withImages { program in
            let columns =
                "{{.Repository}} {{.SizeBytes}} {{.SharedBytes}} {{.UniqueBytes}} {{.DiskBytes}}"
            let lines = try program.run("images", "--verbose", "--format", columns).text
                .split(separator: "\n").sorted()
            // Whole blocks on the disk; what is there twice is stored once.
            #expect(
                lines == [
                    "base 20000 20000 0 32768", "large 33000 23000 10000 45056",
                    "small 22000 20000 2000 36864",
                ])
            #expect(
                try program.run("images", "-v").text.hasPrefix(
                    "REPOSITORY   TAG      IMAGE ID       CREATED"))
            #expect(try program.run("images", "-v").text.contains("SHARED SIZE   UNIQUE SIZE"))
            #expect(
                try program.run("images", "base", "--format", "{{.Size}} {{.SharedSize}}").text
                    == "20kB N/A\n")
        }
    }

    @Test func `in all, and how much of it can go`() throws {
        try withImages { program in
            let totals = { () throws -> [String] in
                try program.run(
                    "df", "--format",
                    "{{.Type}} {{.TotalCount}} {{.Active}} {{.SizeBytes}} {{.ReclaimableBytes}}"
                ).text.split(separator: "\n").map(String.init)
            }
            #expect(
                try totals() == [
                    "Images 3 0 32000 32000", "Containers 0 0 0 0", "Local Volumes 0 0 0 0",
                    "Build Cache 0 0 0 0",
                ])
            _ = try program.run(
                shell: """
                    $VITRINE create --name web small; printf 1234567 > f; $VITRINE cp f web:/
                    $VITRINE volume create data; printf 123 > store/volumes/data/data/x
                    """)
            #expect(
                try totals() == [
                    "Images 3 1 32000 10000", "Containers 1 0 7 7", "Local Volumes 1 0 3 3",
                    "Build Cache 0 0 0 0",
                ])
            #expect(
                try program.run("df").text == """
                    TYPE            TOTAL   ACTIVE   SIZE   RECLAIMABLE
                    Images          3       1        32kB   10kB (31%)
                    Containers      1       0        7B     7B (100%)
                    Local Volumes   1       0        3B     3B (100%)
                    Build Cache     0       0        0B     0B

                    """)
        }
    }

    @Test func `what a failed step left is the cache's`() throws {
        let program = try Program()
        defer { program.remove() }
        try program.importBase()
        try program.write(
            "FROM base\nRUN printf 1234567 > /new; exit 3\n", to: "context/Dockerfile")
        #expect(try program.run("build", "context").status == 1)
        let cache = "$VITRINE df --format '{{.Type}} {{.Size}} {{.Reclaimable}}' | grep Cache"
        try check(program, cache, says: "Build Cache 7B 7B")
        try check(program, "$VITRINE builder prune -f && \(cache)", says: "Build Cache 0B 0B")
    }

    @Test func `of a container what is its own, and what it shows`() throws {
        try withImages { program in
            _ = try program.run(
                shell: """
                    $VITRINE create --name web base; printf 1234567 > f; $VITRINE cp f web:/
                    truncate -s 40M sparse; $VITRINE cp sparse web:/
                    """)
            // A hole takes nothing; of a deleted file of the image nothing is gained.
            let json = try program.run("df", "--verbose", "--json").text
            let document = try #require(
                try JSONSerialization.jsonObject(with: Data(json.utf8))
                    as? [String: [[String: Any]]])
            let container = try #require(document["Containers"]?.first)
            #expect(container["SizeBytes"] as? Int == 7)
            #expect(container["VirtualBytes"] as? Int == 20007)
            #expect(container["DiskBytes"] as? Int == 4096)
            #expect(container["Names"] as? String == "web")
            #expect(document["Images"]?.count == 3)
            let text = try program.run("df", "-v").text
            for title in [
                "Images space usage:\n\nREPOSITORY", "Containers space usage:\n\nCONTAINER ID",
                "Local Volumes space usage:\n\nVOLUME NAME", "Build cache usage:\n\nKEY",
            ] {
                #expect(text.contains(title), "\(text)")
            }
            #expect(text.contains("   7B     20kB"), "\(text)")
        }
    }
}
