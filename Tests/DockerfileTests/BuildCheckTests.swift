import Dockerfile
import Testing

/// Docker's build checks, with the good and bad examples of their documentation.
@Suite
struct BuildCheckTests {
    private func findings(
        _ text: String, _ facts: CheckFacts = CheckFacts(), options: CheckOptions = CheckOptions()
    ) throws -> [String] {
        try Dockerfile(parsing: Array(text.utf8)).findings(facts, options)
            .map { "\($0.range.start.line) \($0.code.rawValue)" }
    }

    @Test(arguments: [
        ("FROM a\nRUN x\nRUN y\nrun z", ["4 ConsistentInstructionCasing"]),
        ("from a\nrun x\nRUN z", ["3 ConsistentInstructionCasing"]),
        ("From a\nRun x", ["1 ConsistentInstructionCasing", "2 ConsistentInstructionCasing"]),
        ("FROM a as b", ["1 FromAsCasing"]), ("from a AS b", ["1 FromAsCasing"]),
        ("FROM a aS b", ["1 FromAsCasing"]), ("From a as b", ["1 ConsistentInstructionCasing"]),
        ("FROM a AS b", []), ("from a as b", []),
        ("FROM a AS b\nFROM B", ["2 StageNameCasing"]),
        ("ARG X=B\nFROM a AS b\nFROM $X", ["3 StageNameCasing"]),
        ("FROM a AS Base", ["1 StageNameCasing"]),
        ("FROM a AS b\nFROM a AS b", ["2 DuplicateStageName"]),
        ("FROM a AS scratch", ["1 ReservedStageName"]),
        ("FROM a AS context", ["1 ReservedStageName"]),
        ("FROM a\nMAINTAINER x", ["2 MaintainerDeprecated"]),
        ("FROM a\nENV a b", ["2 LegacyKeyValueFormat"]), ("FROM a\nENV a=b", []),
        ("FROM a\nRUN x \\\n\n  y", ["3 NoEmptyContinuation"]),
        ("FROM a\nCMD x", ["2 JSONArgsRecommended"]),
        ("FROM a\nENTRYPOINT x", ["2 JSONArgsRecommended"]),
        ("FROM a\nSHELL [\"bash\", \"-c\"]\nENTRYPOINT x", []), ("FROM a\nCMD [\"x\"]", []),
        (
            "FROM a\nCMD [\"x\"]\nCMD [\"y\"]\nCMD [\"z\"]",
            ["2 MultipleInstructionsDisallowed", "3 MultipleInstructionsDisallowed"]
        ),
        ("FROM a\nENTRYPOINT [\"x\"]\nFROM b\nENTRYPOINT [\"y\"]", []),
        ("FROM a\nHEALTHCHECK NONE\nHEALTHCHECK CMD x", ["2 MultipleInstructionsDisallowed"]),
        ("FROM a\nSHELL [\"bash\", \"-c\"]\nFROM a AS x\nFROM x\nCMD x", ["5 JSONArgsRecommended"]),
        ("FROM a AS x\nSHELL [\"bash\", \"-c\"]\nFROM x\nCMD x", []),
        ("FROM a\nWORKDIR b", ["2 WorkdirRelativePath"]), ("FROM a\nWORKDIR /b\nWORKDIR c", []),
        ("FROM a\nWORKDIR b\nWORKDIR c", ["2 WorkdirRelativePath"]),
        ("FROM a AS x\nWORKDIR /b\nFROM x\nWORKDIR c", []),
        ("FROM a\nARG GITHUB_TOKEN", ["2 SecretsUsedInArgOrEnv"]), ("ARG TOKEN\nFROM a", []),
        ("FROM a\nENV SECRETS_DIR=1 PWD=2", []),
        ("FROM a\nENV AWS_SECRET_ACCESS_KEY=x", ["2 SecretsUsedInArgOrEnv"]),
        ("FROM a\nENV GIT_KEY=1 PUBLIC_KEY=2", ["2 SecretsUsedInArgOrEnv"]),
        ("FROM a\nENV KEY_FILE=1 SECRET_VERSION=2", []), ("FROM a\nARG file_token=1", []),
        ("FROM a\nENV KEY_FILES=1", ["2 SecretsUsedInArgOrEnv"]),
        ("FROM a\nENV MONKEY=1 keyboard=2", []),
        ("FROM --platform=linux/amd64 a", ["1 FromPlatformFlagConstDisallowed"]),
        ("FROM --platform=linux/amd64 a AS build_amd64", []),
        ("FROM --platform=$BUILDPLATFORM a", []),
        ("FROM --platform=$TARGETPLATFORM a", ["1 RedundantTargetPlatform"]),
        ("FROM --platform=${TARGETPLATFORM} a", ["1 RedundantTargetPlatform"]),
        ("FROM --platform=${TARGETPLATFORM:-y} a", ["1 RedundantTargetPlatform"]),
        ("FROM --platform=${TARGETPLATFORM}y a", []),
        ("FROM a\nEXPOSE 80/TCP", ["2 ExposeProtoCasing"]),
        ("FROM a\nEXPOSE 80/tcp 5000-5010", []),
        ("FROM a${X}", ["1 UndefinedArgInFrom"]), ("ARG X=1\nFROM a${X}", []),
        ("FROM a${X:-1}", []),
        ("ARG TAG\nFROM busybox:${TAG}", ["2 InvalidDefaultArgInFrom"]),
        ("ARG TAG=1\nFROM busybox:${TAG}", []), ("ARG TAG\nFROM busybox:${TAG:-1}", []),
        ("FROM scratch\nCOPY $foo .", ["2 UndefinedVar"]),
        ("FROM scratch\nARG foo\nCOPY $foo .", []), ("FROM scratch\nENV a=$b", ["2 UndefinedVar"]),
        ("FROM scratch\nENV a=${b:-c}\nENV d=$a PATH=/x:$PATH", []),
        ("FROM scratch AS x\nARG b=1\nFROM x\nENV c=$b", []),
        ("FROM unknown\nENV a=$b", []), ("FROM scratch\nRUN echo $b", []),
    ])
    func `each check finds what its page shows`(text: String, expected: [String]) throws {
        var facts = CheckFacts(predefined: ["BUILDPLATFORM": "linux/amd64", "TARGETPLATFORM": "x"])
        facts.isReference = { !$0.hasSuffix(":") }
        #expect(try findings(text, facts) == expected)
    }

    @Test(arguments: [
        ("C:\\x", false), ("\\x", false), ("/x", false), ("x", true), ("C:x", true),
    ])
    func `a directory of Windows is absolute with a drive too`(
        _ path: String, _ isTold: Bool
    ) throws {
        let facts = CheckFacts(predefined: ["TARGETOS": "windows"])
        let text = "# escape=`\nFROM scratch\nWORKDIR \(path)"
        #expect(try findings(text, facts) == (isTold ? ["3 WorkdirRelativePath"] : []))
    }

    @Test func `variables of the base image are defined, and near ones are named`() throws {
        var facts = CheckFacts()
        facts.base = { $0 == "base" ? CheckFacts.Base(environment: ["HOME_DIR": "/h"]) : nil }
        let file = try Dockerfile(
            parsing: Array("FROM base AS one\nFROM one\nENV a=$HOME_DIR b=$HOM_DIR c=$PAHT".utf8))
        let found = file.findings(facts, CheckOptions())
        #expect(
            found.map(\.message).sorted() == [
                "Usage of undefined variable '$HOM_DIR' (did you mean $HOME_DIR?)",
                "Usage of undefined variable '$PAHT' (did you mean $PATH?)",
            ])
    }

    @Test func `a copied file is looked up in the ignore file`() throws {
        var facts = CheckFacts()
        facts.isIgnored = { String(decoding: $0, as: UTF8.self).hasPrefix("secret/") }
        let text = """
            FROM scratch AS other
            ADD ./secret//key public https://host/secret/x /
            COPY secret/* /
            COPY --from=other secret/key /
            COPY ../secret/key /
            """
        #expect(try findings(text, facts) == ["2 CopyIgnoredFile"])
    }

    @Test(arguments: [
        ("sub", "sub", true), ("sub", "./sub/x", true), ("sub", "other", false),
        ("sub\n!sub/keep.txt", "sub", false), ("sub\n!sub/nested/keep.txt", "sub/", false),
        ("sub\n!sub/*.txt", "sub", false), ("sub\n!*/keep.txt", "sub", false),
        ("sub\n!other/keep.txt", "sub", true), ("!sub/keep.txt\nsub", "sub", true),
        ("sub\n!sub/keep.txt", "sub/other.txt", true), ("*", ".", true), ("*", "./", true),
        ("*\n!src", ".", false), ("sub", ".", false), ("*", "/", false), (".*", ".", false),
        (".*", ".x", true), ("**/*", ".", true), ("x\n/*", ".", true), ("!x\n**", "./", true),
    ])
    func `a source of which something is taken back is not told`(
        _ ignore: String, _ source: String, _ isTold: Bool
    ) throws {
        let matcher = PatternMatcher(try IgnoreFile(parsing: Array(ignore.utf8)))
        var facts = CheckFacts()
        facts.isIgnored = { matcher.leavesOutAll(at: $0) }
        let found = try findings("FROM scratch\nCOPY \(source) /", facts)
        #expect(found == (isTold ? ["2 CopyIgnoredFile"] : []))
    }

    @Test func `of stages that a build does not need only what the whole file shows is told`()
        throws
    {
        let file = try Dockerfile(
            parsing: Array("FROM a AS x\nCMD y\nENV b c\nMAINTAINER z\nFROM a\nCMD q".utf8))
        let found = file.findings(CheckFacts(), CheckOptions(), stages: [1])
        #expect(
            found.map { "\($0.range.start.line) \($0.code.rawValue)" }
                == ["4 MaintainerDeprecated", "6 JSONArgsRecommended"])
    }

    @Test func `findings are told in Docker's words`() throws {
        let text = """
            FROM scratch
            cmd x
            ARG D=x
            WORKDIR $D
            RUN a \\

              b
            """
        let file = try Dockerfile(parsing: Array(text.utf8))
        let casing = DockerfileWarning.Code.consistentInstructionCasing
        let found = file.findings(CheckFacts(), CheckOptions()).filter { $0.code != casing }
        #expect(
            found.map(\.message) == [
                "JSON arguments recommended for cmd to prevent unintended behavior related to OS "
                    + "signals",
                "Relative workdir \"x\" can have unexpected results if the base image changes",
                "Empty continuation line",
            ])
    }

    @Test func `the file says which checks count`() throws {
        let body = "FROM a as b\nCMD x\nMAINTAINER y\n"
        func codes(_ check: String) throws -> [String] {
            let file = try Dockerfile(parsing: Array("# check=\(check)\n\(body)".utf8))
            return file.findings(CheckFacts(), try file.checkOptions()).map(\.code.rawValue)
        }
        #expect(try codes("skip=all") == [])
        #expect(try codes("skip=JSONArgsRecommended,fromascasing") == ["MaintainerDeprecated"])
        #expect(try codes("error=true").count == 3)
        #expect(try codes("skip=all;experimental=FromAsCasing") == ["FromAsCasing"])
        #expect(try codes("skip=FromAsCasing,JSONArgsRecommended;experimental=all").count == 1)
        #expect(try CheckOptions(parsing: "skip=all;error=true").findingsAreErrors)
        #expect(try !CheckOptions(parsing: "error=0").findingsAreErrors)
        for wrong in ["skip", "errors=true", "error=maybe"] {
            #expect(throws: DockerfileError.self) { try CheckOptions(parsing: wrong) }
        }
    }

    @Test func `descriptions are looked at where the file asks for it`() throws {
        let text =
            "# foo is a thing\nARG foo\n# other\nARG bar\nFROM a\n# text\nARG baz\n# c d\nARG b c\n"
            + "# q\nARG q"
        #expect(try findings(text) == [])
        let options = try CheckOptions(parsing: "experimental=InvalidDefinitionDescription")
        #expect(
            try findings(text, options: options)
                == ["4 InvalidDefinitionDescription", "7 InvalidDefinitionDescription"])
        let several = try Dockerfile(parsing: Array("# x\nARG a b\nFROM a".utf8))
        #expect(
            several.findings(CheckFacts(), options).map(\.message) == [
                "Comment for ARG should follow the format: `# <arg_key> <description>`"
            ])
        let all = try CheckOptions(parsing: "skip=all;experimental=all")
        #expect(try findings("FROM a as b\n# x\nARG y", options: all).count == 1)
    }

    @Test func `what was found before a mistake is told`() throws {
        func codes(_ text: String, _ options: CheckOptions? = nil) -> [String] {
            Dockerfile.findings(beforeMistakeIn: Array(text.utf8), options)
                .map { "\($0.range.start.line) \($0.code.rawValue)" }
        }
        let text = "FROM scratch as Bad\nMAINTAINER me\nRUN a \\\n\n b\nCMD c\nBADCMD\nFROM x AS Y"
        let found = ["1 FromAsCasing", "1 StageNameCasing", "2 MaintainerDeprecated"]
        #expect(codes(text) == found + ["4 NoEmptyContinuation"])
        #expect(codes("# check=skip=StageNameCasing\nFROM a AS B\nX") == [])
        #expect(codes("# check=skip\nFROM a AS B\nX") == [])
        #expect(codes("BADCMD") == [])
        #expect(codes("FROM a AS B") == [])
        #expect(codes(text, try CheckOptions(parsing: "skip=all")) == [])
    }
}
