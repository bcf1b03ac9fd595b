import Testing

@testable import ImageSpec

@Suite struct PlatformTests {
    @Test(arguments: [
        ("linux/x86_64", "linux/amd64"), ("linux/amd64/v1", "linux/amd64"),
        ("linux/amd64/v3", "linux/amd64/v3"), ("Linux/AArch64", "linux/arm64"),
        ("linux/arm64/v8", "linux/arm64"), ("linux/arm64/v9", "linux/arm64/v9"),
        ("linux/arm64/8", "linux/arm64"), ("linux/armhf", "linux/arm/v7"),
        ("linux/armel", "linux/arm/v6"), ("linux/arm", "linux/arm/v7"),
        ("linux/arm/6", "linux/arm/v6"), ("linux/i386", "linux/386"),
        ("macos/arm64", "darwin/arm64"),
        ("arm64", "linux/arm64"), ("linux", "linux/s390x"), ("windows", "windows/s390x"),
        ("riscv64", "linux/riscv64"),
    ])
    func `a platform is normalised as containerd does it`(_ text: String, _ expected: String) throws
    {
        let host = Platform(os: "linux", architecture: "s390x")
        #expect(try Platform.parse(text, host: host).description == expected)
    }

    @Test(arguments: ["", "linux/", "/amd64", "a/b/c/d", "linux/am d64", "pdp11", "linux//v7"])
    func `what is no platform is refused`(_ text: String) throws {
        let error = try #require(throws: ImageSpecError.self) { try Platform.parse(text) }
        #expect(error.code == .invalidPlatform)
    }

    @Test(
        arguments: [
            ("linux/amd64", "linux/amd64", 0), ("linux/amd64", "linux/386", 1),
            ("linux/amd64/v3", "linux/amd64/v2", 1), ("linux/amd64/v3", "linux/amd64", 2),
            ("linux/amd64", "linux/amd64/v2", nil), ("linux/amd64", "windows/amd64", nil),
            ("linux/arm64", "linux/arm/v7", 2), ("linux/arm/v7", "linux/arm/v6", 1),
            ("linux/arm/v6", "linux/arm/v7", nil), ("linux/386", "linux/amd64", nil),
        ] as [(String, String, Int?)])
    func `older variants run on newer processors`(
        _ host: String, _ image: String, _ rank: Int?
    ) throws {
        #expect(try Platform.parse(host).rank(of: Platform.parse(image)) == rank)
    }
}
