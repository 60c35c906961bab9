package fusion

import (
	"strings"
	"testing"
)

func TestDecodeEPC(t *testing.T) {
	f := func(hex, gtin string, serial uint64, scheme string) {
		t.Helper()
		g, s, c, ok := DecodeEPC(hex)
		if !ok || g != gtin || s != serial || c != scheme {
			t.Errorf("DecodeEPC(%s) = %q, %d, %q, %v; want %q, %d, %q", hex, g, s, c, ok, gtin, serial, scheme)
		}
	}
	f("303404579800D6800004CB2F", "00071142008582", 314159, "sgtin-96") // the taco sauce of the contract
	f("303404579800d6800004cb2f", "00071142008582", 314159, "sgtin-96")
	f("30143639F84191AD22901607", "00888446671424", 193853396487, "sgtin-96")
	f("300000662D3D311048C6D8D9", "40004285602049", 69940467929, "sgtin-96")
	f("3034257BF400B7800004CB2F", "00614141007349", 314159, "sgtin-96")
	f("30140000001FB28000003039", "00000000324588", 12345, "sgtin-96")
	f("301400000037C5C000003039", "00000000571111", 12345, "sgtin-96")
	f("3014000000565D8000003039", "00000000884389", 12345, "sgtin-96")
	f("301400000047DAC000003039", "00000000735797", 12345, "sgtin-96")
	f("301400000025F74000003039", "00000000388771", 12345, "sgtin-96")
	f("301400000051240000003039", "00000000830881", 12345, "sgtin-96")
	f("30140000005BFD0000003039", "00000000941969", 12345, "sgtin-96")
	// The encodings of the Tag Data Standard's appendix (E.3).
	f("3074257BF7194E4000001A85", "80614141123458", 6789, "sgtin-96")
	f("3674257BF6B7A659B2C2BF100000000000000000000000000000", "70614141123451", 0, "sgtin-198")
	f("3174257BF4499602D2000000", "", 1234567890, "sscc-96")
	f("3374257BF40C0E400000162E", "", 5678, "grai-96")
	f("3474257BF40000000000162E", "", 5678, "giai-96")
}

func TestEPCURI(t *testing.T) {
	f := func(hex, want string) {
		t.Helper()
		if got := EPCURI(hex); got != want {
			t.Errorf("EPCURI(%s) = %q, want %q", hex, got, want)
		}
	}
	f("3034257BF400B7800004CB2F", "urn:epc:id:sgtin:0614141.000734.314159")
	f("3074257BF7194E4000001A85", "urn:epc:id:sgtin:0614141.812345.6789")
	f("3674257BF6B7A659B2C2BF100000000000000000000000000000", "urn:epc:id:sgtin:0614141.712345.32a%2Fb")
	f("3174257BF4499602D2000000", "urn:epc:id:sscc:0614141.1234567890")
	f("3374257BF40C0E400000162E", "urn:epc:id:grai:0614141.12345.5678")
	f("3774257BF40C0E59B2C2BF1000000000000000000000", "urn:epc:id:grai:0614141.12345.32a%2Fb")
	f("3474257BF40000000000162E", "urn:epc:id:giai:0614141.5678")
	f("3874257BF59B2C2BF10000000000000000000000000000000000", "urn:epc:id:giai:0614141.32a%2Fb")
	f("E2801160600002054CC2096F", "")
}

func TestDecodeEPCRefuses(t *testing.T) {
	for _, hex := range []string{
		"", "xyz",
		"E2801160600002054CC2096F",   // a TID, no EPC
		"300000181C2CCA93A8B43711",   // partition 0, an item reference of two digits
		"301C00004000004000000001",   // partition 7
		"30244032EACFFD45202001E8",   // company prefix of more digits than the partition gives it
		"303404579800D6800004CB2",    // 23 digits
		"303404579800D6800004CB2F0",  // 25 digits
		"303404579800D6800004CB2G",   // no hex digit
		"3674257BF6B7A659B2C2BF1000", // a short SGTIN-198
		"3674257BF6B7A659B2C2BF100000000000000000000000000001" + strings.Repeat("0", 8), // a long one
	} {
		if g, s, c, ok := DecodeEPC(hex); ok || g != "" || s != 0 || c != "" {
			t.Errorf("DecodeEPC(%q) = %q, %d, %q, %v; want a refusal", hex, g, s, c, ok)
		}
	}
}

func FuzzDecodeEPC(f *testing.F) {
	f.Add("303404579800D6800004CB2F")
	f.Add("3674257BF6B7A659B2C2BF100000000000000000000000000000")
	f.Add("3774257BF40C0E59B2C2BF1000000000000000000000")
	f.Add("3874257BF59B2C2BF10000000000000000000000000000000000")
	f.Add("3174257BF4499602D2000000")
	f.Fuzz(func(t *testing.T, hex string) {
		gtin, _, scheme, ok := DecodeEPC(hex)
		uri := EPCURI(hex)
		if ok != (uri != "") || ok != (scheme != "") {
			t.Fatalf("%q: ok %v, scheme %q, URI %q disagree", hex, ok, scheme, uri)
		}
		if strings.HasPrefix(scheme, "sgtin") != (gtin != "") {
			t.Fatalf("%q: scheme %q with GTIN %q", hex, scheme, gtin)
		}
		if gtin != "" && (len(gtin) != 14 || checkDigit(gtin[:13]) != gtin[13] || strings.Trim(gtin, "0123456789") != "") {
			t.Fatalf("%q: %q is no GTIN-14", hex, gtin)
		}
	})
}

func BenchmarkDecodeEPC(b *testing.B) {
	for b.Loop() {
		DecodeEPC("303404579800D6800004CB2F")
	}
}
